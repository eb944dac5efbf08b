"""File systems in files, mounted on loop devices; the sweep of what killed processes left."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromadrill.core import process_tags
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Unavailable

PREFIX = "chromadrill-cut-disk-"  # its owner's tag follows: whose a mount is can be read off it
TOOLS = ("mount", "umount", "fsfreeze")
KINDS = ("ext4", "xfs", "btrfs")
GONE_S = 10.0  # a server whose owner was killed ends within a second


def require_mounts(kind: str = "ext4") -> None:
    """Raise Unavailable, in words, where this machine cannot mount such a file system in a file."""
    missing = [tool for tool in (f"mkfs.{kind}", *TOOLS) if not shutil.which(tool)]
    none = "No disk whose power can be cut can be made here"
    if os.geteuid() != 0 or missing:
        why = f"no {' and no '.join(missing)}" if missing else "only root may mount one"
        raise Unavailable(f"{none}: {why}.")
    if not Path("/dev/loop-control").exists():
        raise Unavailable(f"{none}: no loop devices.")
    if kind not in _kinds_of_kernel():
        raise Unavailable(f"{none}: the kernel has no {kind}.")


def _kinds_of_kernel() -> set[str]:
    """File systems that this kernel has now; one that is a module is there once it is loaded."""
    try:
        lines = Path("/proc/filesystems").read_text().splitlines()
    except OSError:  # not Linux
        return set()
    return {line.split()[-1] for line in lines if line.strip()}


@contextmanager
def mounted(image: Path, at: Path, *options: str) -> Iterator[Path]:
    """The file system in the file `image`, mounted at the new folder `at`.

    Mounting recovers it: its journal is replayed. Raises Unavailable where it cannot be mounted.
    """
    _start_guard(os.getpid())
    at.mkdir()
    # `mount` makes a device that the kernel removes with the mount itself
    run_tool("mount", "-o", ",".join(("loop", *options)), str(image), str(at))
    try:
        yield at
    finally:
        unmount(at)


@functools.cache
def _start_guard(owner: int) -> None:
    """Start, once a process, what unmounts all of it if this process is killed: see `guard.py`."""
    guard = subprocess.Popen(
        [sys.executable, "-m", "chromadrill.targets.disk.guard", process_tags.tag(owner)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",  # it keeps no folder busy
        start_new_session=True,  # Ctrl-C and the end of a group do not reach it
    )

    def end() -> None:
        guard.kill()
        guard.wait()

    atexit.register(end)


def unmount(at: Path) -> None:
    """Unmount; a program that was just killed may hold it for a moment."""

    def is_unmounted() -> bool:
        ran = subprocess.run(["umount", str(at)], capture_output=True, check=False)  # noqa: S607
        return ran.returncode == 0 or not at.is_mount()

    try:
        wait_until(is_unmounted, within_s=GONE_S, name=f"{at} to be unmounted", every_s=0.1)
    except DrillError:
        run_tool("umount", "--lazy", str(at))  # it goes with the last program that uses it


def sweep() -> None:
    """Unmount what killed processes left mounted, and remove the folders that it lay in.

    What belongs to another container or boot is left alone: nobody here can judge it.
    """
    left = [point for point in mount_points() if PREFIX in point and process_tags.is_dead(point)]
    # a frozen one lets nothing be unmounted, and so is thawed first; the newest goes first
    for point in left:
        subprocess.run(["fsfreeze", "--unfreeze", point], capture_output=True, check=False)  # noqa: S607
    for point in reversed(left):
        unmount(Path(point))
    process_tags.sweep_folders(PREFIX)


def mount_points() -> list[str]:
    """Every mount point of this process's name space."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:  # not Linux
        return []
    return [line.split()[1] for line in lines]


def run_tool(*command: str) -> str:
    """Run a tool; raises Unavailable with what it said where it fails."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise Unavailable(f"{' '.join(command)}: {ran.stderr.strip()}")
    return ran.stdout
