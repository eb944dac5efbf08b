"""RB-1 after a power cut: make a damaged index anew from the server's own queue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import report
from chromadrill.commands.salvage_step import salvage_command, salvage_step
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import Verdict
from chromadrill.core.plural import plural
from chromadrill.recovery.replay import Replay, replay_into

app = application()


@app.command(cls=Command)
def replay(
    path: options.DataPath = None,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="NEW", help="a folder that is not there yet")
    ] = None,
    json: options.Json = False,
) -> int:
    """After a power cut: drop the damaged indexes from a copy; a server makes them anew.

    The server must be stopped, and its directory is only read. The vectors come from the server's
    queue, bit for bit, where the queue still has them. Exit 0: NEW is whole, or nothing was damaged;
    1: the queue has not all of them, and nothing is written; 2: the files cannot be read.
    """
    if path is None or into is None:
        raise UsageError("--path DATA and --into NEW are both needed.")
    try:
        result = replay_into(path, into)
    except Unavailable as error:
        if error.next_step:
            raise
        step = f"What is left of it: {salvage_command(path)}"
        raise Unavailable(error.sentence, next_step=step) from error
    written = {"written": str(into)} if result.is_whole else {}
    return report(_verdicts(path, result), [], as_json=json, **written)


def _verdicts(path: Path, result: Replay) -> list[Verdict]:
    if not result.is_whole:
        first = result.read_errors[0]
        return [
            Verdict.failed(
                "structure",
                f"not all of it is in the queue: {first.where}: {first.message.rstrip('.')}."
                f" Nothing was written.{salvage_step(path)}",
            )
        ]
    if not result.collections:
        return [Verdict.passed("structure", "no index is damaged: start the server on it")]
    names = ", ".join(result.collections)
    return [
        Verdict.passed(
            "structure",
            f"{plural(result.records, 'record')}, each with its vector; the next start makes the index"
            f" of {names} anew",
        )
    ]
