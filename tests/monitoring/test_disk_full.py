"""A volume that is really full: heartbeat green, writes refused."""

import contextlib
import os
import shutil
import subprocess

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.monitoring.alerts import FIRED
from chromadrill.monitoring.factory import monitor_of
from chromadrill.targets.container.loop_device import small_disk
from chromadrill.targets.process.target import ProcessTarget


@pytest.fixture
def on_small_disk(tmp_path, filled):
    """A running server whose data lie on a disk of 40 MB."""
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    with contextlib.ExitStack() as undo:
        try:
            options = undo.enter_context(small_disk(40))
        except Unavailable as error:
            pytest.skip(str(error))
        mount, umount = shutil.which("mount"), shutil.which("umount")
        subprocess.run([mount, dict(options)["device"], str(target.data)], check=True)
        undo.callback(subprocess.run, [umount, str(target.data)], check=True)
        undo.callback(target.kill)
        shutil.copytree(filled, target.data, dirs_exist_ok=True)
        target.start()
        yield target


@pytest.mark.slow
def test_full_disk_alerts_while_the_heartbeat_is_green(on_small_disk, settings):
    monitor = monitor_of(on_small_disk, settings)
    monitor.look()
    ballast = on_small_disk.data / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(65536)):
            pass
    for _ in range(4):
        monitor.look()
    fired = {event.rule.name for event in monitor.alerts.events if event.kind == FIRED}
    # a record as small as the monitor's may find room in pages that are free inside of the file
    assert "disk" in fired, monitor.alerts.states
    with Chroma(on_small_disk.url, timeout_s=5) as chroma:
        assert chroma.heartbeat()
