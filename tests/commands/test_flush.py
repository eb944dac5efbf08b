"""`chromadrill flush` as operators type it."""

import json
import signal
import subprocess
import sys

import pytest

from chromadrill.commands.flush_templates import TEMPLATES
from chromadrill.core.clock import utc_now, wait_until
from tests.front_door import enter


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_flushes_until_it_is_asked_to_end(tmp_path, number):
    (tmp_path / "chroma.sqlite3").write_bytes(b"")
    beat = tmp_path / "beat"
    command = [sys.executable, "-m", "chromadrill", "flush", "--path", tmp_path, "--every", "0.1"]
    process = subprocess.Popen([*command, "--heartbeat", beat], stderr=subprocess.PIPE, text=True)
    wait_until(beat.exists, within_s=300, name="a heartbeat")
    process.send_signal(number)
    _, said = process.communicate(timeout=300)  # it syncs a disk that all tests write to
    assert process.returncode == 0
    assert "syncs, the longest" in said


def test_check_tells_a_live_one_from_a_dead_one(tmp_path, capsys):
    beat = tmp_path / "beat"
    dead = enter(capsys, "flush", "--check", "--heartbeat", beat)
    assert (dead.code, dead.out.startswith("DEAD")) == (1, True)
    beat.write_text(json.dumps({"at": utc_now(), "every_s": 1, "longest_s": 0}))
    live = enter(capsys, "flush", "--check", "--heartbeat", beat)
    assert (live.code, live.out.startswith("alive")) == (0, True)


def test_check_of_a_heartbeat_that_cannot_be_read_could_not_tell(tmp_path, capsys):
    ended = enter(capsys, "flush", "--check", "--heartbeat", tmp_path)
    assert ended.code == 2
    assert "nobody knows whether the flusher lives" in ended.err


def test_it_ends_with_the_run_that_it_was_started_for(tmp_path, capsys, monkeypatch):
    (tmp_path / "chroma.sqlite3").write_bytes(b"")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    monkeypatch.setenv("DRILL_OWNER_PID", str(gone.pid))
    assert enter(capsys, "flush", "--path", tmp_path).code == 0


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 64, "--path is missing"),
        (("--check",), 64, "--heartbeat is missing"),
        (("--template", "docker"), 64, "no such"),
        (("--path", "nowhere"), 2, "no data directory of Chroma"),
    ],
)
def test_wrong_words_and_wrong_places_are_said(capsys, words, code, sentence):
    ended = enter(capsys, "flush", *words)
    assert ended.code == code
    assert sentence in ended.err


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_has_the_command_with_its_interval(capsys, name):
    ended = enter(capsys, "flush", "--template", name, "--every", "0.5")
    assert ended.code == 0
    assert "flush" in ended.out
    assert "0.5" in ended.out


@pytest.mark.parametrize("name", ["compose", "kubernetes"])
def test_template_is_yaml(capsys, name):
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(enter(capsys, "flush", "--template", name).out)
