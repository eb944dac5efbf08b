"""A run that proved nothing does not exit 0, and wrong options end in a sentence."""

import pytest

from tests.commands.run import drill

pytestmark = pytest.mark.slow


def test_drill_in_which_everything_is_deselected_is_not_green(tmp_path):
    ran = drill("-m", "drill", "-k", "no_such_scenario", reports=tmp_path)
    assert ran.returncode != 0


@pytest.mark.slow
def test_drill_in_which_every_scenario_is_skipped_is_not_green(tmp_path, server):
    ran = drill("-m", "drill", "--target", server.url, reports=tmp_path)

    assert ran.returncode == 1
    assert "COULD NOT TELL" in ran.stdout
    assert "not covered: RB-2: required" in ran.stdout


def test_parallel_drills_are_refused_with_a_sentence(tmp_path):
    ran = drill("-m", "drill", "-n", "2", reports=tmp_path)
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "one at a time" in ran.stderr


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("--target", "proces"), "Did you mean 'process'"),
        (("--target", "http://127.0.0.1:9"), "No answer from"),
        (("--target", "no.such.module:Class"), "cannot import it"),
        (("--drill-config=none.toml",), "No such file"),
        (("--backup=/nowhere",), "not a backup"),
    ],
)
def test_wrong_option_ends_in_a_sentence_and_no_traceback(tmp_path, args, sentence):
    ran = drill("-m", "drill", "-x", *args, reports=tmp_path)
    assert ran.returncode not in (0, 1)
    assert sentence in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


def test_run_of_the_gate_does_not_move_latest(tmp_path):
    drill("-m", "gate", "-k", "no_such_test", reports=tmp_path)
    assert not (tmp_path / "latest").exists()
