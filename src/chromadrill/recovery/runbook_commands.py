"""What on-call types, run as a subprocess: a drill that calls functions proves the functions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError

LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ran: what was typed, its exit code, its output, and how long it took."""

    command: str
    exit_code: int
    output: str
    errors: str
    seconds: float


class CommandFailed(DrillError):
    """A runbook command ended with something other than 0."""


def ops(target: str, *words: str, environment: Mapping[str, str]) -> Ran:
    """Run `chromadrill ops --target T ...`; raises CommandFailed unless it exits 0."""
    ran = run(
        [sys.executable, "-m", "chromadrill", "ops", "--target", target, *words],
        environment=environment,
        shown=f"chromadrill ops --target {target} {' '.join(words)}",
    )
    if ran.exit_code != 0:
        raise CommandFailed(f"{ran.command}: exit {ran.exit_code}: {ran.errors.strip()[-1500:]}")
    return ran


def script(scripts: Path, name: str, *words: str, environment: Mapping[str, str]) -> Ran:
    """Run `python scripts/NAME ...`; raises CommandFailed unless it exits 0."""
    ran = run(
        [sys.executable, str(scripts / name), *words],
        environment=environment,
        shown=f"python scripts/{name} {' '.join(words)}",
    )
    if ran.exit_code != 0:
        said = (ran.errors + ran.output).strip()[-1500:]
        raise CommandFailed(f"{ran.command}: exit {ran.exit_code}: {said}")
    return ran


def run(command: Sequence[str], *, environment: Mapping[str, str], shown: str) -> Ran:
    """Run to the end, at most ten minutes."""
    started = now()
    try:
        done = subprocess.run(
            list(command),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{shown}: did not end within {LIMIT_S:g} s.") from error
    return Ran(shown, done.returncode, done.stdout, done.stderr, now() - started)
