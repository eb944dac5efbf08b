"""Whose is what a run makes outside its process: a tag for its name or label, judged by other runs.

    PID-PLACExSTARTt

PLACE is a digest of the machine's boot and the pid namespace, START when the process started, in
the kernel's ticks: no step of a clock moves them. A pid alone comes again, and is another's in
another container, though volumes and temporary folders may be shared with it.
"""

from __future__ import annotations

import hashlib
import re
import socket
from pathlib import Path

import psutil

_TAG = re.compile(r"(?<!\d)(\d+)-([0-9a-f]{10})x(\d+)t(?![0-9a-z])")


def tag(pid: int) -> str:
    """Of the process `pid`; of one that is gone already, a tag of the dead."""
    return f"{pid}-{_place()}x{_start(pid) or 0}t"


def is_dead(text: str) -> bool | None:
    """Whether the owner that the tag in `text` names is gone for certain.

    None: there is no such tag, or its owner is of another boot or pid namespace, and nobody here
    can judge it.
    """
    found = _TAG.search(text)
    if found is None or found[2] != _place():
        return None
    pid = int(found[1])
    start = _start(pid)
    if start is None:
        # /proc may hide the processes of others
        return None if psutil.pid_exists(pid) and not _is_zombie(pid) else True
    return start != int(found[3])


def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        boot, namespace = socket.gethostname(), f"{psutil.boot_time():.0f}"
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:10]


def _start(pid: int) -> int | None:
    """When it started; None of one that is gone, or ended and not yet reaped."""
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
