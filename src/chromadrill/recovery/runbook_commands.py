"""What on-call types, run as a subprocess: a drill that calls functions proves the functions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError

LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class CommandRun:
    """A command that ran: what was typed, its exit code, its output, and how long it took."""

    command: str
    exit_code: int
    output: str
    errors: str
    seconds: float


class RunbookCommandFailed(DrillError):
    """A runbook command ended with something other than 0."""


def chromadrill(command: str, *args: str, environment: Mapping[str, str]) -> CommandRun:
    """Run `chromadrill COMMAND ...`; raises RunbookCommandFailed unless it exits 0."""
    ran = run(
        [sys.executable, "-m", "chromadrill", command, *args],
        environment=environment,
        typed=" ".join(["chromadrill", command, *args]),
    )
    if ran.exit_code != 0:
        message = (ran.errors + ran.output).strip()[-1500:]
        raise RunbookCommandFailed(f"{ran.command}: exit {ran.exit_code}: {message}")
    return ran


def run(command: Sequence[str], *, environment: Mapping[str, str], typed: str) -> CommandRun:
    """Run to the end, at most ten minutes. `typed`: the command as on-call types it."""
    started = now()
    try:
        process = subprocess.run(
            list(command),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RunbookCommandFailed(f"{typed}: did not end within {LIMIT_S:g} s.") from error
    seconds = now() - started
    return CommandRun(typed, process.returncode, process.stdout, process.stderr, seconds)
