"""A small disk: a file with ext4 on it, on a loop device, for a volume of the engine to lie on.

The engine's own sized volumes are in memory and forget when the server stops. Needs root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromadrill.core import process_tags
from chromadrill.core.errors import Unavailable

TOOLS = ("losetup", "mkfs.ext4")
PREFIX = "chromadrill-disk-"  # its owner's tag follows: whose a device is can be read off it


@contextmanager
def small_disk(megabytes: int) -> Iterator[tuple[tuple[str, str], ...]]:
    """The options of a volume on a new, empty disk of that size; the disk is removed afterwards.

    Raises Unavailable where this machine cannot make one.
    """
    sweep()
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        why = f"no {' and no '.join(missing)}" if missing else "only root may"
        raise Unavailable(f"No small disk can be made here: {why}.")
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{process_tags.tag(os.getpid())}-") as folder:
        image = Path(folder) / "disk.img"
        with image.open("wb") as file:
            file.truncate(megabytes * 1024 * 1024)
        # -m 0: nothing is kept back for root, who is who writes
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
        device = _run("losetup", "--find", "--show", str(image)).strip()
        try:
            yield (("type", "ext4"), ("device", device))
        finally:
            _run("losetup", "--detach", device)


def sweep() -> None:
    """Detach the loop devices of killed processes, and remove what they lay on.

    Those of another container or boot are left alone: nobody here can judge them.
    """
    if not shutil.which("losetup"):
        return
    for device, file in loop_devices().items():
        if f"/{PREFIX}" in file and process_tags.is_dead(file):
            _run("losetup", "--detach", device)
    process_tags.sweep_folders(PREFIX)


def loop_devices() -> dict[str, str]:
    """Every loop device in use, and the file it lies on."""
    listed = json.loads(_run("losetup", "--list", "--json") or "{}").get("loopdevices", [])
    return {str(device["name"]): str(device["back-file"]) for device in listed}


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
