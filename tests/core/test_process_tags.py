"""Only what a dead process of this boot and pid namespace left is removed."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from docker.errors import APIError
from requests.exceptions import ConnectionError as NoConnection

from chromadrill.core import process_tags
from chromadrill.core.errors import DrillError
from chromadrill.recovery.sources import postgres_embedded
from chromadrill.targets.container import engine, loop_device

MINE = process_tags.tag(os.getpid())


def place_and_start(tag):
    return tag.partition("-")[2].rstrip("t").split("x")


def test_process_that_lives_is_not_dead_whatever_the_clock_says(monkeypatch):
    create_time = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) - 3)
    assert process_tags.is_dead(MINE) is False


def test_process_that_is_gone_or_not_reaped_is_dead():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tag = process_tags.tag(process.pid)
    assert process_tags.is_dead(tag) is False
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert process_tags.is_dead(tag) is True
    process.communicate()
    assert process_tags.is_dead(tag) is True
    assert process_tags.is_dead(process_tags.tag(process.pid)) is True


def test_pid_that_came_again_is_not_the_owner():
    place, start = place_and_start(MINE)
    assert process_tags.is_dead(f"{os.getpid()}-{place}x{int(start) - 1}t") is True


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="Linux has pid namespaces")
def test_owner_of_another_pid_namespace_or_boot_is_not_judged(monkeypatch):
    monkeypatch.setattr(Path, "readlink", lambda path: Path("pid:[1]"))
    elsewhere = process_tags.tag(os.getpid()), process_tags.tag(2**22 - 1)
    monkeypatch.undo()
    assert [process_tags.is_dead(tag) for tag in elsewhere] == [None, None]


def test_pid_that_no_kernel_gives_is_gone():
    assert process_tags.is_gone(10**20)
    assert not process_tags.is_gone(os.getpid())


@pytest.mark.parametrize(
    ("kernel_says", "is_gone", "is_dead"),
    [(PermissionError, False, None), (None, False, None), (ProcessLookupError, True, True)],
)
def test_process_that_proc_hides_is_gone_only_where_the_kernel_says_so(
    monkeypatch, kernel_says, is_gone, is_dead
):
    """As with /proc mounted hidepid=2; of when that process started nothing is known."""
    hidden = 2**22 - 7

    def kill(pid, number):
        assert (pid, number) == (hidden, 0)
        if kernel_says:
            raise kernel_says

    def no_process(pid):
        raise psutil.NoSuchProcess(pid)

    tag = process_tags.tag(hidden)
    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(psutil, "Process", no_process)
    assert process_tags.is_gone(hidden) is is_gone
    assert process_tags.is_dead(tag) is is_dead


@pytest.mark.parametrize("label", ["", "foo", "machine/3999999/1.00", "12-zzx1t", "1-2-3"])
def test_malformed_tag_is_not_judged(label):
    assert process_tags.is_dead(label) is None


# ---- the engine ---------------------------------------------------------------------------------
def client(*containers):
    nothing = SimpleNamespace(list=lambda **_: [])
    listed = SimpleNamespace(list=lambda **_: containers)
    return SimpleNamespace(containers=listed, volumes=nothing, networks=nothing)


def container(name, label, removed, error=None):
    def remove(**_):
        if error:
            raise error
        removed.append(name)

    return SimpleNamespace(name=name, labels={engine.OWNER: label}, remove=remove)


def dead():
    place, start = place_and_start(MINE)
    return f"{os.getpid()}-{place}x{int(start) - 1}t"


def test_sweep_leaves_what_it_cannot_judge_and_tells(caplog):
    removed = []
    containers = [
        container("old-label", "machine/1/1.0", removed),
        container("dead", dead(), removed),
        container("elsewhere", f"1-{'0' * 10}x1t", removed),
        container("alive", MINE, removed),
    ]
    assert engine.sweep(client(*containers)) == removed == ["dead"]
    assert "old-label, elsewhere" in caplog.text


def test_two_runs_that_sweep_together_do_not_hinder_each_other():
    removed = []
    busy = APIError("409", explanation="removal of container a is already in progress")
    containers = [container("a", dead(), removed, busy), container("b", dead(), removed)]
    assert engine.sweep(client(*containers)) == ["b"]
    other = APIError("500", explanation="driver failed")
    with pytest.raises(DrillError, match="driver failed"):
        engine.sweep(client(container("a", dead(), removed, other)))


@pytest.mark.parametrize("error", [NoConnection("refused"), ConnectionResetError(), TimeoutError()])
def test_engine_that_does_not_answer_is_no_engine(error):
    with pytest.raises(engine.NoEngine, match="does not answer"), engine.docker_errors("reading"):
        raise error


def test_full_disk_of_ours_is_not_called_a_lack_of_an_engine():
    with (
        pytest.raises(DrillError, match=r"reading: .*No space left") as raised,
        engine.docker_errors("reading"),
    ):
        raise OSError(28, "No space left on device")
    assert not isinstance(raised.value, engine.NoEngine)


# ---- folders ------------------------------------------------------------------------------------
@pytest.mark.parametrize("swept", [postgres_embedded, loop_device])
def test_folders_of_another_container_are_left_and_those_of_the_dead_removed(
    swept, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(loop_device, "loop_devices", dict)
    for tag in (dead(), MINE, f"3999999-{'0' * 10}x1t", "3999999"):
        (tmp_path / f"{swept.PREFIX}{tag}-abc").mkdir()
    swept.sweep()
    remaining = {folder.name.removeprefix(swept.PREFIX) for folder in tmp_path.iterdir()}
    assert remaining == {f"{MINE}-abc", f"3999999-{'0' * 10}x1t-abc", "3999999-abc"}
