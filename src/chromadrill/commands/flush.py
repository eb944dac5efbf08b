"""Put a running server's files on the disk, on a schedule."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.flusher import flusher
from chromadrill.commands import options
from chromadrill.commands.flush_templates import TEMPLATES
from chromadrill.commands.groups import Command, application
from chromadrill.core import cli, process_tags
from chromadrill.core.errors import UsageError
from chromadrill.targets.kinds import OWNER_VARIABLE

app = application()


@app.command(cls=Command)
def flush(
    path: Annotated[
        Path | None,
        typer.Option("--path", metavar="DATA", help="the server's data directory"),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", metavar="S", min=0.05, help="seconds between two syncs")
    ] = 1.0,
    heartbeat: Annotated[
        Path | None,
        typer.Option("--heartbeat", metavar="FILE", help="a file to write after each sync"),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="flush nothing: does the flusher of --heartbeat live?"),
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="|".join(TEMPLATES),
            help="flush nothing, and print what runs this beside a server",
        ),
    ] = None,
) -> int:
    """Put a running server's index files on the disk: Chroma never does, and a power cut loses them.

    The volume is synced when index files were written, and every S seconds. Runs until
    SIGTERM or Ctrl-C, and syncs once more. Only reads. Exit 0: ended as asked, or alive; 1: the
    flusher is dead; 2: cannot flush.
    """
    options.require_known("--template", template, TEMPLATES)
    if template:
        sys.stdout.write(TEMPLATES[template](every))
        return cli.DONE
    if check:
        lives, why = flusher.is_alive(_require("--heartbeat", heartbeat))
        sys.stdout.write(f"{'alive' if lives else 'DEAD'}: {why}\n")
        return cli.DONE if lives else cli.DIFFERS
    data = _require("--path", path)
    with _set_by_signals() as stop:
        counts = flusher.flush(
            data,
            every_s=every,
            stop=stop,
            is_orphan=_is_orphan,
            heartbeat=heartbeat,
            say=cli.say,
        )
    cli.say(
        f"{counts.syncs} syncs, the longest {counts.longest_s:.2f} s, {counts.late} longer than"
        f" {every:g} s; {counts.index_flushes} more because index files were written."
    )
    return cli.DONE


def _is_orphan() -> bool:
    """Whether the run that a flusher was started for is gone; one that is nobody's runs on."""
    owner = os.environ.get(OWNER_VARIABLE, "")
    return owner.isdecimal() and process_tags.is_gone(int(owner))


@contextmanager
def _set_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set, for as long as it is used."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    former = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)


def _require(option: str, value: Path | None) -> Path:
    if value is None:
        raise UsageError(f"{option} is missing.")
    return value
