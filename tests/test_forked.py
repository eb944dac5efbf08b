"""A forked command is a process as typed: its words, environment, folder, streams and end."""

import os
import signal
from importlib.util import find_spec

import pytest

from tests.forked import IMPORTS, run_forked

PROGRAM = """
import os, sys
print(*sys.argv[1:], os.environ.get("MINE"), os.getcwd(), os.getpid(), sep="|")
print("an error", file=sys.stderr)
"""


@pytest.fixture
def program(tmp_path):
    """`program("TEXT")`: a file that does this after PROGRAM."""

    def write(more=""):
        (tmp_path / "program.py").write_text(PROGRAM + more)
        return tmp_path / "program.py"

    return write


def test_words_environment_and_folder_are_the_caller_s_and_streams_are_two(program, tmp_path):
    ran = run_forked(program(), "a b", environment={**os.environ, "MINE": "x"}, cwd=tmp_path)
    assert ran.stdout.split("|")[:3] == ["a b", "x", str(tmp_path)]
    assert ran.stdout.split("|")[3] != f"{os.getpid()}\n"
    assert (ran.returncode, ran.stderr) == (0, "an error\n")


def test_what_the_forks_find_imported_exists():
    """A name that cannot be imported is left out in silence, and costs each fork its import."""
    assert [name for name in IMPORTS if find_spec(name) is None] == []


def test_environment_of_the_test_is_not_added(program, monkeypatch):
    monkeypatch.setenv("MINE", "of the test")
    without = {name: value for name, value in os.environ.items() if name != "MINE"}
    assert run_forked(program(), environment=without).stdout.split("|")[0] == "None"
    assert run_forked(program()).stdout.split("|")[0] == "of the test"


@pytest.mark.parametrize(
    ("end", "code", "text"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("raise SystemExit('a sentence')", 1, "a sentence\n"),
        ("raise ValueError('v')", 1, "ValueError: v\n"),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM, ""),
    ],
)
def test_end_is_that_of_a_process(program, end, code, text):
    ran = run_forked(program(end))
    assert ran.returncode == code
    assert ran.stderr.endswith(text)


def test_what_a_process_does_at_its_end_and_what_it_becomes_are_done(program, tmp_path):
    (tmp_path / "other.py").write_text("import sys; print('other', *sys.argv[1:])")
    end = (
        "import atexit; atexit.register(print, 'last')\n"
        "sys.stdout.flush(); os.execv(sys.executable, [sys.executable, '-P', 'other.py', '-m', 'x'])"
    )
    ran = run_forked(program(end), cwd=tmp_path)
    assert ran.stdout.splitlines()[1:] == ["other -m x", "last"]
