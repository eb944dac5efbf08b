"""Target `process`: one server a directory, nothing left behind, nothing foreign touched."""

import json
import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.targets.process import server as process_server
from chromadrill.targets.process import supervisor
from chromadrill.targets.process import target as process_target
from chromadrill.targets.process.target import MARKER, ProcessTarget


@pytest.fixture
def target(tmp_path):
    """A target of its own, ended after the test."""
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    yield target
    target.remove()


def test_directory_that_is_not_ours_is_refused_and_untouched(tmp_path):
    (tmp_path / "precious").write_text("x")
    with pytest.raises(Refused, match="not empty and not a chromadrill home"):
        ProcessTarget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_file_instead_of_a_directory_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Refused, match="not a directory"):
        ProcessTarget(tmp_path / "file")


def test_second_server_on_one_directory_is_refused(target):
    target.start()
    with pytest.raises(Refused, match="already runs"):
        ProcessTarget(target.home).start()


def test_second_start_at_once_leaves_the_server_of_the_first_alone(target, monkeypatch):
    target.start()
    pid = target.pid()
    second = ProcessTarget(target.home)
    with monkeypatch.context() as moment_before:
        moment_before.setattr(ProcessTarget, "running", lambda self: False)
        moment_before.setattr(process_target, "require_free_port", lambda port, home: None)
        with pytest.raises(Refused, match="already runs"):
            second.start()

    assert target.pid() == pid
    assert target.metrics().restarts == 0
    second.stop()
    assert not target.running()


def test_server_whose_pid_is_not_known_is_not_called_stopped(target, monkeypatch):
    monkeypatch.setattr(process_server, "BEGINS_S", 0.1)
    lock = os.open(target.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    assert supervisor.take(lock)
    with pytest.raises(Unavailable, match=r"it runs on.* `fuser .*/lock`"):
        target.stop()
    os.close(lock)


def test_state_of_the_run_before_says_nothing_of_a_start(target, monkeypatch):
    target.start()
    target.stop()
    monkeypatch.setattr(process_server.supervisor, "__file__", "/nowhere/supervisor.py")
    with pytest.raises(Unavailable, match=r"ended at once \(its supervisor too\)"):
        target.start()


def test_start_is_ready_for_a_real_query_and_kill_is_seen(target):
    target.start()
    pid = target.pid()
    assert psutil.pid_exists(pid)

    target.kill()
    assert not target.running()
    assert target.pid() is None


def test_killed_supervisor_takes_the_server_along_and_leaves_no_lock(target):
    target.start()
    supervisor = json.loads((target.home / "state.json").read_text())["supervisor"]
    server = psutil.Process(target.pid())
    os.kill(supervisor, signal.SIGKILL)

    wait_until(lambda: not server.is_running() or server.status() == "zombie", within_s=10,
               name="the server's end")  # fmt: skip
    wait_until(lambda: not target.running(), within_s=10, name="a free lock")
    target.start()


@pytest.mark.slow
def test_killed_owner_leaves_no_server_and_no_lock(tmp_path):
    code = (
        "import sys, os, time\n"
        "from pathlib import Path\n"
        "from chromadrill.targets.process.target import ProcessTarget\n"
        "target = ProcessTarget(Path(sys.argv[1]), owner=os.getpid())\n"
        "target.start(); print(target.pid(), flush=True); time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "home")], stdout=subprocess.PIPE, text=True
    )
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()

    wait_until(lambda: not psutil.pid_exists(pid), within_s=15, name="the server's end")
    again = ProcessTarget(tmp_path / "home", owner=os.getpid())
    wait_until(lambda: not again.running(), within_s=10, name="a free lock")
    again.start()
    again.remove()


def test_server_that_dies_at_once_shows_its_log_within_seconds(target):
    (target.data / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    with pytest.raises(Unavailable, match="ended at once"):
        target.start()
    assert not target.running()


def test_taken_port_is_a_sentence(target, tmp_path):
    target.start()
    other = ProcessTarget(tmp_path / "other", owner=os.getpid())
    (other.home / MARKER).write_text(json.dumps({"port": target.port}))
    with pytest.raises(DrillError, match="taken by another program"):
        other.start()


def test_lock_that_somebody_looks_at_for_a_moment_is_waited_for(tmp_path):
    def lock():
        return os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)

    look, server, another = lock(), lock(), lock()
    assert supervisor.take(look)
    threading.Timer(0.05, os.close, [look]).start()
    assert supervisor.take(server)
    assert not supervisor.take(another)  # a server does not let go
    for handle in (server, another):
        os.close(handle)
