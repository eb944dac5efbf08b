"""Commands of others (restic, the user's own): run with limits of time and room, without a shell.

What a command prints is kept in files without a name, and shown masked. A command that is cut short
ends with all that it started.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from chromadrill.backups.sources import guard
from chromadrill.core.clock import now
from chromadrill.core.errors import Unavailable
from chromadrill.core.redaction import mask_output

LOOK_EVERY_S = 0.2
LEAST_FREE = 128 * 1024 * 1024  # bytes of the disk that no fetch may take: others live on it, too
TAIL = 600  # characters of output that an error shows
LONGEST_OUTPUT = 64 * 1024 * 1024  # bytes of a list of backups


class CommandFailed(Unavailable):
    """Another program ended with an error. `last_words`: what it printed at last, masked."""

    def __init__(self, sentence: str, *, last_words: str, next_step: str = "") -> None:
        super().__init__(sentence, next_step=next_step)
        self.last_words = last_words


def run(command: Sequence[str], *, name: str, limit_s: float, into: Path | None = None) -> str:
    """Run a command and return what it printed on standard output.

    `name`: what a sentence calls it. `into`: the folder that it fills; the command is ended where the
    disk runs full. Raises CommandFailed for an exit code other than 0, Unavailable for a missing
    program, for one that does not end in `limit_s` and for a full disk.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        code = _wait(_start(command, output, errors), name, limit_s, into)
        last_words = _tail(errors) or _tail(output)
        if code == guard.NOT_FOUND and not shutil.which(command[0]):
            raise Unavailable(
                f"{name}: {command[0]} is not there.",
                next_step="Is it installed, and in the PATH?",
            )
        if code != 0:
            raise CommandFailed(
                f"{name}: exit code {code}. Its last words: {last_words or '(none)'}",
                last_words=last_words,
            )
        output.seek(0)
        return output.read(LONGEST_OUTPUT).decode("utf-8", "replace")


def _start(command: Sequence[str], output: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    # -I -S: nothing of the user's is imported, and it starts in 20 ms
    guarded = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *command]
    return subprocess.Popen(
        guarded, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
    )


def _wait(process: subprocess.Popen[bytes], name: str, limit_s: float, into: Path | None) -> int:
    """The exit code. However this ends, nothing of the command runs on afterwards."""
    started = now()
    try:
        while True:
            left_s = limit_s - (now() - started)
            try:
                return process.wait(min(LOOK_EVERY_S, max(0.0, left_s)))
            except subprocess.TimeoutExpired:
                pass
            if left_s <= 0:
                raise Unavailable(
                    f"{name}: did not end within {limit_s:g} s, and was ended.",
                    next_step="Give it more time: timeout_s in its [backups.NAME].",
                )
            if into is not None and (free := shutil.disk_usage(into).free) < LEAST_FREE:
                raise Unavailable(
                    f"{name}: no room in {tempfile.gettempdir()}: {free / 1e6:.0f} MB are left,"
                    f" {LEAST_FREE / 1e6:.0f} MB have to stay free. It was ended.",
                    next_step="Free space there, or use another disk: TMPDIR=FOLDER.",
                )
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End all that the command started, also what it left running in the background."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(file: IO[bytes]) -> str:
    """The end of what was printed, in one line."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 8 * TAIL))
    text = mask_output(file.read().decode("utf-8", "replace"))
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())[-TAIL:]
