"""The front door: `chromadrill COMMAND`, the same as `python -m chromadrill COMMAND`.

A command is `app` in the module of its name. The table below is all that `--help` needs of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.main import get_command

from chromadrill.commands.groups import CommandGroup, LazyCommand, application, usage_message
from chromadrill.core import cli
from chromadrill.core.errors import UsageError

PROGRAM = "chromadrill"
COMPLETION = "_CHROMADRILL_COMPLETE"  # the shell asks for completions through it


class RootCommands(CommandGroup):
    """Every command, by who needs it."""

    audiences = {  # noqa: RUF012
        "On call": {
            "ops": "start, stop, restart, snapshot or restore a target",
            "triage": "RB-9: the most likely cause of a trouble",
            "validate": "is this database what it was?",
            "counts": "RB-5: does a collection hold enough records?",
            "salvage": "RB-2: bring back what a damaged directory still holds",
            "replay": "RB-1: after a power cut, an index anew from the queue",
            "restore": "RB-4: bring an export back, and prove it",
            "rebuild": "RB-3: make a collection again from PostgreSQL",
            "regenerate": "RB-3: embed every document anew",
        },
        "Operator": {
            "drill": "RB-8: the monthly restore drill",
            "prove": "RB-2: would your own backup bring everything back?",
            "backup": "RB-4: export collections to a file",
            "fingerprint": "what a database holds and how it answers",
            "record": "what production holds, before and after its backup",
            "flush": "put a running server's index files on the disk",
            "monitor": "RB-7: watch a target by the alert rules",
            "performance": "RB-6: is every search fast enough, and right?",
            "questions": "your own questions: make a first file, and ask them",
            "reconcile": "does a collection say what its source says?",
            "fetch-model": "the weights that RB-3 embeds with, once",
            "posture": "are the backups as the environment wants them?",
        },
        "Developer": {
            "gate": "the release gate, under 60 seconds",
            "load": "RB-6: clients on a fixed schedule, judged",
            "simulate": "a platform to try things on",
        },
        "Auditor": {
            "report": "render, judge or check the record of a run again",
        },
    }


app = application(cls=RootCommands, completion=True, invoke_without_command=True)


@app.callback(epilog="Exit: 0 proven or done, 1 differs or failed, 2 could not check, 64 usage.")
def chromadrill(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version, and exit")] = False,
) -> int:
    """Restore drills for ChromaDB: prove that the database comes back, all of it, in time."""
    if version:
        from chromadrill import __version__

        sys.stdout.write(f"{PROGRAM} {__version__}\n")
        raise typer.Exit(cli.DONE)
    if context.invoked_subcommand is None:
        sys.stderr.write(context.get_help() + "\n")
    return cli.USAGE  # of no command; a command's own code takes its place


def invoke(arguments: Sequence[str], *, command: str = "", program: str = PROGRAM) -> int:
    """Run what was typed; returns the exit code. Errors are raised, usage errors as UsageError.

    `command`: of this one alone, without its name; `program`: what usage lines call it.
    """
    root = (
        LazyCommand(command, "", f"chromadrill.commands.{command}").load() if command else _root()
    )
    try:
        with root.make_context(program, list(arguments)) as context:
            return root.invoke(context) or cli.DONE
    except typer.Exit as ended:
        return ended.exit_code
    except typer.TyperException as error:
        raise UsageError(usage_message(error)) from error


def _root() -> CommandGroup:
    """All commands, and the two options of shell completion."""
    root = get_command(app)
    assert isinstance(root, CommandGroup)  # noqa: S101 - for the type
    return root


def main() -> NoReturn:
    """`chromadrill`, and `python -m chromadrill`."""
    cli.run(_enter, sys.argv[1:])


def _enter(arguments: Sequence[str]) -> int:
    # as `python -m` does: --target package.module:Class is found in the working directory
    try:
        folder = str(Path.cwd())
    except FileNotFoundError as error:
        raise UsageError(
            "The working directory was removed.", next_step="Go into one that is there: cd"
        ) from error
    if not {"", folder} & set(sys.path):
        sys.path.append(folder)
    if COMPLETION in os.environ:
        _root().main(prog_name=PROGRAM)
    return invoke(arguments)


def script(command: str) -> NoReturn:
    """A file of scripts/: one command under the name of the file."""
    program = Path(sys.argv[0]).name
    cli.run(lambda args: invoke(args, command=command, program=program), sys.argv[1:])
