"""Runs one Chroma server to its end: `python supervisor.py HOME ORDER`.

Only the standard library: the supervisor starts fast, and is run by its path, without this package.

The supervisor holds the home's lock, and its child inherits it: while either lives nobody starts a
second server on the directory. Two servers on one directory lose vectors for good (measured). A
crash leaves no lock behind, since the kernel drops it. The supervisor ends the server when its owner
process is gone, so a test run that is killed leaves nothing running. Of several that are started at
once the one with the lock alone writes to the home: what the others wrote would be taken for its.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
HOME_TAKEN = 3  # exit code: another server has the lock, and nothing in the home was touched
OWNER_EVERY_S = 0.2  # how often it is seen whether the owner lives


def die_with_parent() -> None:
    """In the child, before exec: if the supervisor itself is killed, the server goes too (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Whether the process is there (`process_tags` says more, and cannot be imported here)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main() -> int:
    """Run the server of ORDER to its end, or to its owner's; returns the exit code."""
    home = Path(sys.argv[1])
    order = json.loads(sys.argv[2])
    lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    if not take(lock):
        return HOME_TAKEN
    state: dict[str, object] = {"start": order["start"], "supervisor": os.getpid()}
    write_state(home, state)  # nobody believes the last server's pid from now on
    (home / "ended-by-us").unlink(missing_ok=True)
    with (home / "logs" / "server.log").open("ab", buffering=0) as log:
        server = subprocess.Popen(
            order["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **order["environment"]},
            preexec_fn=die_with_parent,
            pass_fds=[lock],
            cwd=home,
        )
        state = {**state, "pid": server.pid, "started": time.time()}
        write_state(home, state)
        watch(server, order.get("owner"))
        write_state(home, {**state, "exit": server.returncode})
    return 0


def take(lock: int) -> bool:
    """Take the lock of the home; False: another server has it.

    Who asks whether a server runs takes it for a moment, and a program that another thread of the
    asker starts just then holds it a moment longer (seen: once in 900 starts).
    """
    for last in (False, False, False, True):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not last:
                time.sleep(0.1)
        else:
            return True
    return False


def watch(server: subprocess.Popen[bytes], owner: int | None) -> None:
    """Return when the server has ended. Signals are passed on to it; it ends when its owner is gone."""

    def pass_on(number: int, _: FrameType | None) -> None:
        server.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    # blocked, its signal is kept for `sigtimedwait`; that of an end before this line is seen by `poll`
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while server.poll() is None:
        if owner and not is_alive(owner):
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
            owner = None
        # not `server.wait(seconds)`: that looks twenty times a second, and up to 50 ms late
        signal.sigtimedwait({signal.SIGCHLD}, OWNER_EVERY_S)


def write_state(home: Path, state: dict[str, object]) -> None:
    """Replace `state.json`; a reader sees the state before or after, never half of it."""
    temporary = home / f".state.{os.getpid()}"
    temporary.write_text(json.dumps(state))
    temporary.replace(home / "state.json")


if __name__ == "__main__":
    sys.exit(main())
