"""Tags that name the process which owns a container, folder, file or disk: a later run cleans up.

    PID-PLACExSTARTt

PLACE is a digest of the machine's boot and the pid namespace. START is when the process started, in
the kernel's ticks: no step of a clock moves them. A pid alone comes again, and means another process
in another container, though volumes and temporary folders may be shared with it.

Every answer to "is this owner dead?" is given here. `targets/process/supervisor.py` is the one
exception: it is run by its path, without this package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from chromadrill.core.files import remove_tree

_TAG = re.compile(r"(?<!\d)(\d+)-([0-9a-f]{10})x(\d+)t(?![0-9a-z])")


def tag(pid: int) -> str:
    """The tag of the process `pid`. The tag of a process that is gone already is a dead one."""
    return f"{pid}-{place()}x{_start(pid) or 0}t"


def is_dead(text: str) -> bool | None:
    """Whether the owner that the tag in `text` names is gone for certain.

    None: there is no such tag, or its owner is of another boot or pid namespace. Nobody here can
    judge that owner.
    """
    match = _TAG.search(text)
    if match is None or match[2] != place():
        return None
    pid = int(match[1])
    start = _start(pid)
    if start is None:  # /proc may hide the processes of others
        return True if is_gone(pid) else None
    return start != int(match[3])


def is_gone(pid: int) -> bool:
    """Whether no process has this pid here. One that ended and is not yet reaped is gone.

    The kernel is asked, by no signal at all: /proc may hide a process of others that lives.
    """
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # another user's: it is there
    except (ProcessLookupError, OverflowError):  # no kernel gives a pid of so many digits
        return True
    return _is_zombie(pid)


def place() -> str:
    """Ten hex digits of where a pid means the same process: this boot, this pid namespace."""
    return hashlib.sha256(f"{_boot()} {_pid_namespace()}".strip().encode()).hexdigest()[:10]


def new_folder(prefix: str) -> Path:
    """A new temporary folder PREFIX<tag of this process>-..., which `sweep_folders` can judge."""
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{tag(os.getpid())}-"))


def dead_folders(prefix: str) -> Iterator[Path]:
    """Temporary folders PREFIX<tag>-... whose owner is dead; those of other users are left out."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(FileNotFoundError):  # another run sweeps, too
            if is_dead(folder.name) and folder.stat().st_uid == os.getuid():
                yield folder


def sweep_folders(prefix: str) -> None:
    """Remove the folders that killed processes left behind."""
    for folder in dead_folders(prefix):
        remove_tree(folder)


def _boot() -> str:
    """After a reboot every pid means another process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return f"{socket.gethostname()} {psutil.boot_time():.0f}"


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        return ""


def _start(pid: int) -> int | None:
    """When the process started; None where it is gone, or ended and not yet reaped."""
    if _is_zombie(pid):
        return None
    if Path("/proc/self/stat").exists():
        try:  # fields are counted behind the name, which may hold spaces and brackets: this is the 22nd
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        except OSError:
            return None
    try:
        return int(100 * psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
