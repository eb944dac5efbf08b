"""Workers (`-n`) change no exit code and nothing in the record."""

import pytest

from tests.drill.own_suite import record_of, run_suite

pytestmark = pytest.mark.slow

HEAD = "import pytest\npytestmark = pytest.mark.sabotage\n"
SKIPPED = "def test_skipped(): pytest.skip('no engine answers')\n"
FAILED = "def test_failed(): raise ValueError('fault was not seen')\n"
PASSED = "def test_passed(): pass\n"
ALONE_AND_WORKERS = pytest.mark.parametrize(
    "words",
    [pytest.param((), id="alone"), pytest.param(("-n", "1"), id="workers", marks=pytest.mark.slow)],
)


@pytest.fixture
def run(tmp_path):
    """`pytest -m sabotage` of these tests: exit code and record."""

    def run(tests, *words):
        ran = run_suite(tmp_path, HEAD + tests, "-m", "sabotage", *words)
        return ran.returncode, record_of(tmp_path)

    return run


@ALONE_AND_WORKERS
def test_skip_and_failure_are_in_the_record(run, words):
    code, record = run(SKIPPED + FAILED + PASSED, *words)
    (failed,) = record["failed_tests"]
    assert (code, record["outcome"]) == (1, "fail")
    assert failed["test"].endswith("::test_failed")
    assert failed["error"] == "ValueError: fault was not seen"
    assert record["not_covered"] == ["test_skipped: no engine answers"]


@ALONE_AND_WORKERS
def test_run_in_which_all_is_skipped_is_not_green(run, words):
    code, record = run(SKIPPED, *words)
    assert (code, record["outcome"]) == (1, "unknown")


@ALONE_AND_WORKERS
def test_tests_that_pass_are_green(run, words):
    assert run(PASSED, *words)[0] == 0


@ALONE_AND_WORKERS
def test_file_that_cannot_be_read_is_named(run, words):
    code, record = run("import nothing_of_this_name\n", *words)
    (failed,) = record["failed_tests"]
    assert code != 0
    assert "nothing_of_this_name" in failed["error"]


@pytest.mark.slow
def test_worker_that_dies_is_a_failure_of_its_test(run):
    code, record = run("import os\ndef test_dies(): os._exit(9)\n", "-n", "1")
    (failed,) = record["failed_tests"]
    assert (code, record["outcome"]) == (1, "fail")
    assert failed["test"].endswith("test_dies")
    assert "crashed" in failed["error"]
