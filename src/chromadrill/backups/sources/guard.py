"""Runs one command of somebody else's to its end, or to its owner's: `python guard.py OWNER COMMAND...`.

Only the standard library: it starts fast, and is run by its path, without this package. The guard leads
a process group of its own, and ends the whole group when its owner is gone: a run that is killed leaves
no download behind that goes on to fill the disk.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

OWNER_EVERY_S = 0.2  # how often it is seen whether the owner lives
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell has it


def main() -> int:
    """Run the command; returns its exit code, 128 and the signal's number where one ended it."""
    owner, command = int(sys.argv[1]), sys.argv[2:]
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"{error.strerror}\n")
        return NOT_EXECUTABLE
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(OWNER_EVERY_S)
            return code if code >= 0 else 128 - code
        if os.getppid() != owner:
            os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
