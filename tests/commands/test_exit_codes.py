"""The exit codes that README promises, each by a command that ends with it."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from chromadrill.commands.app import invoke
from chromadrill.core import cli
from tests.backups.export.sample_collections import info, page, write

NOBODY = "http://127.0.0.1:9"


def exit_code(*arguments):
    with pytest.raises(SystemExit) as end:
        cli.run(invoke, arguments)
    return end.value.code


# ---- 1 refused, 2 could not tell, 64 usage ------------------------------------------------------
@pytest.fixture
def export(tmp_path):
    path = tmp_path / "docs.jsonl"
    write(path, [(info(), [page(20)])])
    return path


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: data.replace(b"document 1", b"document 2")],
    ids=["cut", "altered"],
)
def test_damaged_export_is_refused_with_1(export, damage, capsys):
    export.write_bytes(damage(export.read_bytes()))
    assert exit_code("restore", "--url", NOBODY, "--input-file", str(export)) == 1
    assert capsys.readouterr().err.startswith("Refused: ")


def test_missing_export_could_not_be_told(tmp_path):
    path = str(tmp_path / "docs.jsonl")
    assert exit_code("restore", "--url", NOBODY, "--input-file", path) == 2


def test_file_of_no_known_format_is_a_usage_error(tmp_path):
    (tmp_path / "docs.txt").touch()
    path = str(tmp_path / "docs.txt")
    assert exit_code("restore", "--url", NOBODY, "--input-file", path) == 64


# ---- 130: Ctrl-C --------------------------------------------------------------------------------
@pytest.fixture
def silent_server():
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        listener.settimeout(60)
        yield listener


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "validate --url URL --all",
        "fingerprint --url URL --output F",
        "counts --url URL",
        "performance --url URL",
        "backup --url URL --all --output-file F",
        "restore --url URL --input-file F.jsonl",
        "rebuild --from-postgresql --url URL --collection-name docs",
        "regenerate --source manual_content --url URL",
        "triage --target URL",
        "monitor --target URL --for 10m",
        "posture --target URL",
        "ops --target URL restart",
    ],
)
def test_ctrl_c_ends_a_command_with_130(silent_server, command, tmp_path):
    url = f"http://127.0.0.1:{silent_server.getsockname()[1]}"
    write(tmp_path / "F.jsonl", [(info(), [page(20)])])
    program = [sys.executable, "-m", "chromadrill"]
    arguments = command.replace("URL", url).split()
    with subprocess.Popen(
        [*program, *arguments], cwd=tmp_path, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": url.replace("http", "postgresql") + "/docs"},
    ) as process:  # fmt: skip
        connection, _ = silent_server.accept()
        with connection:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.endswith("Interrupted.\n")
    assert "Traceback" not in errors


def test_backup_that_does_not_exist_is_said_at_once_with_the_nearest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chroma_data").mkdir()
    (tmp_path / "chroma_data" / "chroma.sqlite3").touch()
    assert exit_code("drill", "--backup", "chroma_dat") == 2
    assert "Did you mean ./chroma_data?" in capsys.readouterr().err
