"""A server that is stopped for a backup is started again, also where its stop fails."""

import pytest

from chromadrill.backups import interruption
from chromadrill.backups.interruption import stop_for_backup
from chromadrill.backups.volume_copy import take
from chromadrill.core.clock import now
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Scope
from chromadrill.core.settings import TargetTable, load
from chromadrill.targets.command import server as command_server
from chromadrill.targets.command.target import open_command
from chromadrill.targets.kinds import TargetSpec

TOO_LATE = Unavailable("Gave up after 30 s waiting for the end of lab.")


class EndsLate:
    """A server that goes on for some looks after its `stop` has failed."""

    name = "lab"

    def __init__(self, url, *, looks, error=TOO_LATE):
        self.url, self.looks, self.error, self.starts = url, looks, error, 0

    def stop(self):
        raise self.error

    def running(self):
        self.looks -= 1
        return self.looks >= 0

    def start(self):
        assert self.looks < 0, "beside the one that runs"
        self.starts += 1

    def volume(self):
        raise AssertionError("it was never stopped")


@pytest.mark.parametrize("error", [TOO_LATE, KeyboardInterrupt()])
def test_server_that_ends_after_its_stop_has_failed_is_started_again(error):
    target = EndsLate("http://127.0.0.1:9", looks=3, error=error)
    with pytest.raises(type(error)):
        stop_for_backup(target)
    assert target.starts == 1


def test_server_that_does_not_end_is_left_running_and_that_is_said(monkeypatch, caplog):
    monkeypatch.setattr(interruption, "ENDS_LATE_S", 0.05)
    monkeypatch.setattr(interruption, "REFUSED_S", 0)
    target = EndsLate("http://127.0.0.1:9", looks=10**9)
    with pytest.raises(Unavailable, match="Gave up after 30 s"):
        stop_for_backup(target)
    assert target.starts == 0
    assert "nobody starts it again: chromadrill ops --target lab start" in caplog.text


def test_server_whose_stop_is_refused_at_once_is_not_waited_for(monkeypatch, caplog):
    monkeypatch.setattr(interruption, "REFUSED_S", 2)
    denied = Unavailable("stop: exit code 1: access denied.")
    target = EndsLate("http://127.0.0.1:9", looks=10**9, error=denied)
    began = now()
    with pytest.raises(Unavailable, match="access denied"):
        stop_for_backup(target)
    assert now() - began < interruption.ENDS_LATE_S / 2
    assert target.starts == 0
    assert "It is started again if it ends" not in caplog.text


def test_ctrl_c_ends_the_waiting_for_a_late_end(caplog):
    target = EndsLate("http://127.0.0.1:9", looks=10**9, error=KeyboardInterrupt())

    def interrupt():
        raise KeyboardInterrupt

    target.running = interrupt
    with pytest.raises(KeyboardInterrupt):
        stop_for_backup(target)
    assert "Ctrl-C ends the waiting" in caplog.text
    assert "nobody starts it again" in caplog.text


def test_volume_copy_whose_stop_fails_leaves_no_stopped_server_and_no_backup(server, tmp_path):
    target = EndsLate(server.url, looks=3)
    with pytest.raises(Unavailable, match="Gave up after 30 s"):
        take(target, tmp_path, name="night", scopes=[Scope()])
    assert target.starts == 1
    assert list(tmp_path.iterdir()) == []


def by_commands(tmp_path, url, *, running):
    """A target whose command `running` counts its looks in $n."""
    script = tmp_path / "running.sh"
    script.write_text(f"cd {tmp_path}; echo x >>looks; n=$(wc -l <looks); test {running}\n")
    texts = {
        "running": f"sh {script}", "start": f"touch {tmp_path}/started", "stop": "true",
        "snapshot": f"touch {tmp_path}/taken", "restore": "true",
    }  # fmt: skip
    table = TargetTable(kind="command", url=url, commands=texts)
    return open_command(TargetSpec("lab", tmp_path / "home", load(environ={}), table))


def test_snapshot_by_commands_whose_stop_fails_leaves_no_stopped_server(
    server, tmp_path, monkeypatch
):
    monkeypatch.setattr(command_server, "ENDS_S", 0)
    target = by_commands(tmp_path, server.url, running="$n -lt 3")  # after `stop` has given up
    with pytest.raises(Unavailable, match="the end of lab"):
        target.snapshot("night")
    assert (tmp_path / "started").exists()
    assert not (tmp_path / "taken").exists()


def test_server_that_others_start_during_the_backup_leaves_no_backup(server, tmp_path):
    target = by_commands(tmp_path, server.url, running="$n -ne 2")  # it was down for a moment
    with pytest.raises(Refused, match="runs already"):
        target.snapshot("night")
    assert target.snapshots() == []
