"""The small disk of the disk-full disasters: it has its size, and nothing of it is left."""

import os
import subprocess
import sys

import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.targets.container import loop_device
from chromadrill.targets.container.loop_device import loop_devices, small_disk


@pytest.fixture
def able():
    """Root with loop devices; elsewhere the disk-full disasters are not covered."""
    try:
        with small_disk(4):
            pass
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("able")
def test_disk_is_there_inside_and_gone_afterwards():
    with small_disk(4) as options:
        device = dict(options)["device"]
        assert device in loop_devices()

    assert f"/{loop_device.PREFIX}{os.getpid()}-" not in str(loop_devices())


@pytest.mark.usefixtures("able")
def test_disk_of_a_killed_process_is_swept():
    code = (
        "import sys\n"
        "from chromadrill.targets.container.loop_device import small_disk\n"
        "with small_disk(4) as options:\n"
        "    print(dict(options)['device'], flush=True); sys.stdin.read()\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout.readline().strip() in loop_devices()
    run.kill()
    run.wait()
    loop_device.sweep()

    assert f"/{loop_device.PREFIX}{run.pid}-" not in str(loop_devices())


def test_machine_that_cannot_make_one_says_why(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Unavailable, match="only root may"), small_disk(4):
        pass
