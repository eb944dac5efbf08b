"""The profiler counts every process of a command, also one whose parent has ended."""

import subprocess
import sys

from benchmarks.profile import name_of

BUSY = "import time\nwhile time.process_time() < 1: pass"
ORPHAN = (
    "import subprocess, sys\n"
    f"subprocess.Popen([sys.executable, '-c', {BUSY!r}], start_new_session=True)\n"
)


def test_a_process_whose_parent_has_ended_counts():
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.profile", "--", sys.executable, "-c", ORPHAN],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    line = next(line for line in ran.stdout.splitlines() if "s of processor time" in line)
    assert float(line.split()[0]) >= 1, ran.stdout
    assert "python -c" in ran.stdout


def test_exit_code_is_the_command_s():
    code = "raise SystemExit(3)"
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.profile", "--", sys.executable, "-c", code],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 3, ran.stderr


def test_a_process_is_named_by_what_it_does():
    python = "/x/bin/python3"
    assert name_of([python, "-m", "chromadrill", "ops", "--target", "box", "stop"]) == (
        "chromadrill ops stop"
    )
    assert name_of([python, "/x/bin/pytest", "tests", "-m", "not slow"]) == "pytest"
    assert name_of([python, "-I", "-S", "/x/launcher.py", "/y", "run"]) == "launcher"
    assert name_of([python, "-m", "chromadrill.workload.prober", "URL"]) == (
        "chromadrill.workload.prober"
    )
    assert name_of(["/usr/bin/restic", "backup"]) == "restic"
    assert name_of(["postgres: walwriter "]) == "postgres"
