"""How a command ends: its exit code, its output, streams that are gone, and the last catch."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.core import cli
from chromadrill.core.errors import Refused, Unavailable, UsageError
from tests.commands.run import run_command


def end_of(main, capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(main, [])
    return end.value.code, capsys.readouterr()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("u"), 64),
        (Refused("r"), 1),
        (Unavailable("u"), 2),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 2),
        (PermissionError(13, "Permission denied", "/x"), 2),
        (ValueError("v"), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_has_its_exit_code_and_what_was_printed_before_it_stays(error, code, capsys):
    def fail(arguments):
        sys.stdout.write("a verdict\n")
        raise error

    end, printed = end_of(fail, capsys)
    assert (end, printed.out) == (code, "a verdict\n")


def test_unexpected_error_is_a_sentence_and_its_traceback_a_file_without_secrets(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("CHROMA_TOKEN", "canary-secret-123")

    def fail(arguments):
        raise LookupError("canary-secret-123 at postgresql://u:hunter22@db/x")

    code, printed = end_of(fail, capsys)
    (file,) = tmp_path.glob("chromadrill-error-*.txt")
    assert (code, printed.out) == (2, "")
    assert printed.err.startswith("Unexpected error, nothing is proven: LookupError: ")
    assert str(file) in printed.err
    assert "Traceback" in file.read_text()
    assert "in fail" in file.read_text()
    for text in (printed.err, file.read_text()):
        assert "canary-secret-123" not in text
        assert "hunter22" not in text
    assert file.stat().st_mode & 0o077 == 0


def test_json_is_one_object_on_standard_output(server):
    ran = run_command("counts", "--url", server.url, "--expected-min", "1", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["outcome"] == "pass"
    assert ran.stdout == json.dumps(json.loads(ran.stdout), indent=2, ensure_ascii=False) + "\n"


def test_reader_that_goes_away_ends_the_command_without_a_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "chromadrill", "simulate", "railway", "--faults"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait() == 0
    assert errors == b""


@pytest.mark.slow
def test_reader_that_goes_away_does_not_overturn_a_verdict(server):
    arguments = ["counts", "--url", server.url, "--expected-min", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "chromadrill", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        process.stdout.close()
        errors = process.stderr.read()
        assert (process.wait(), errors) == (0, b"")


@pytest.mark.slow
def test_secret_of_any_bytes_and_a_terminal_without_umlauts_stop_no_verdict(server, tmp_path):
    environment = {
        **os.environb,
        b"MY_TOKEN": b"caf\xe9-canary-12",
        b"PYTHONIOENCODING": b"ascii",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "chromadrill", "validate", "--url", server.url, "--all", "--json"],
        env=environment, capture_output=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (ran.returncode, b"Traceback" in ran.stderr) == (0, False), ran.stderr
    assert json.loads(ran.stdout.decode("ascii"))["outcome"] == "pass"


def test_working_directory_that_was_removed_is_a_sentence(tmp_path):
    (tmp_path / "away").mkdir()
    command = f"cd away && rmdir ../away && {sys.executable} -m chromadrill counts"
    ran = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)  # noqa: S607
    assert (ran.returncode, b"working directory was removed" in ran.stderr) == (64, True)


@pytest.mark.slow
def test_path_of_any_bytes_is_a_sentence(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "chromadrill", "validate", "--all", "--path", b"caf\xe9"],
        env={**os.environb, b"MY_TOKEN": b"caf\xe9-canary-12"},
        capture_output=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (ran.returncode, b"does not exist" in ran.stderr) == (2, True), ran.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_change_nothing(closed, tmp_path):
    command = f"{sys.executable} -m chromadrill simulate railway --faults {closed}"
    ran = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)  # noqa: S607
    assert ran.returncode == 0
    assert b"Traceback" not in ran.stderr + ran.stdout


def test_full_disk_is_a_sentence():
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "chromadrill", "simulate", "railway", "--faults"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ran.returncode == 2
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_unwinds_and_has_its_exit_code(number, code, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "chromadrill", "simulate", "railway", "--home", tmp_path / "home"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout.readline().startswith("simulated Railway")
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
