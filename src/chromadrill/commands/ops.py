"""What on-call types: chromadrill ops --target T restart|stop|start|snapshot|..."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups import manifest
from chromadrill.backups.registry import LIVE, METHODS, api_method
from chromadrill.commands.groups import Action, CommandGroup, application
from chromadrill.commands.options import DrillConfig, Json, TargetName, require_known
from chromadrill.commands.place import NamedPlace, lacks_capability, place_named
from chromadrill.core import cli
from chromadrill.core.model import JSON, Backup
from chromadrill.core.protocols import (
    HasLogs,
    HasSnapshots,
    HotCopyable,
    Recreatable,
    Restartable,
    RestartsItself,
)
from chromadrill.core.renamed import OPS_ACTIONS
from chromadrill.core.urls import without_password
from chromadrill.monitoring.backup_notice import record_backup_attempt
from chromadrill.targets.guarded import GuardedTarget


class Actions(CommandGroup):
    """The actions, and the names that some of them had."""

    renamed = OPS_ACTIONS


app = application(cls=Actions)


@app.callback()
def ops(
    target: TargetName = None,
    drill_config: DrillConfig = None,
    break_glass: Annotated[
        str | None,
        typer.Option(
            "--break-glass",
            metavar="T",
            help="disable the safety rules: for a person in an incident, who repeats the target's"
            " name; drills never use it",
        ),
    ] = None,
) -> None:
    """Start, stop, restart, snapshot or restore a target.

    The options may stand before the action or after it.
    """


def _place(context: typer.Context) -> NamedPlace:
    """Where to act, as the options of `ops` say."""
    assert context.parent is not None  # noqa: S101 - an action has its group
    options = context.parent.params
    return place_named(options["target"], options["drill_config"], options["break_glass"])


# ---- the service --------------------------------------------------------------------------------
@app.command(cls=Action)
def start(context: typer.Context) -> int:
    """Start the server; returns when it answers a real query."""
    guard, target = _service(context, "start")
    guard.forget_stop()
    target.start()
    return _say_done(guard, "start")


@app.command(cls=Action)
def stop(context: typer.Context) -> int:
    """Stop the server."""
    guard, target = _service(context, "stop")
    guard.before_stop()
    target.stop()
    return _say_done(guard, "stop")


@app.command(cls=Action)
def restart(context: typer.Context) -> int:
    """Stop the server, and start it."""
    guard, target = _service(context, "restart")
    guard.forget_stop()
    if isinstance(target, RestartsItself):
        target.restart()
    else:
        target.stop()
        target.start()
    return _say_done(guard, "restart")


@app.command(cls=Action)
def recreate(context: typer.Context) -> int:
    """Make a new server on its volume, as a deployment does."""
    guard, target = _service(context, "recreate")
    if not isinstance(target, Recreatable):
        raise lacks_capability(guard.target, "recreate")
    guard.forget_stop()
    target.recreate()
    return _say_done(guard, "recreate")


def _service(context: typer.Context, action: str) -> tuple[GuardedTarget, Restartable]:
    guard = _place(context).open(action)
    if not isinstance(guard.target, Restartable):
        raise lacks_capability(guard.target, "restart")
    return guard, guard.target


def _say_done(guard: GuardedTarget, action: str) -> int:
    cli.say(f"{guard.target.name}: {action} done, {without_password(guard.target.url)}")
    return cli.DONE


@app.command(cls=Action)
def logs(
    context: typer.Context,
    lines: Annotated[int, typer.Option("--lines", metavar="N", show_default=True)] = 200,
) -> int:
    """Print the last lines of the server's log."""
    target = _place(context).open("logs").target
    if not isinstance(target, HasLogs):
        raise lacks_capability(target, "logs")
    sys.stdout.write(target.logs(lines) + "\n")
    return cli.DONE


# ---- backups ------------------------------------------------------------------------------------
@app.command(cls=Action)
def snapshot(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Option("--name", metavar="ID", help="the id to give it")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", metavar="|".join(METHODS), show_default=True, help="how")
    ] = "volume-copy",
    json: Json = False,
) -> int:
    """Make a backup; prints its id.

    Of a server that clients write to, it is read before and after: the manifest, and a line on
    standard error, say how much of the backup is proven.
    """
    require_known("--method", method, METHODS)
    place = _place(context)
    # a target that cannot even be opened is a failed backup, too
    with record_backup_attempt(place.settings, place.name):
        guard = place.open("snapshot", export=api_method(method) is not None)
        if not isinstance(guard.target, HasSnapshots):
            raise lacks_capability(guard.target, "snapshot")
        # a platform would take another way instead, and stop the service for it
        if method == LIVE and not isinstance(guard.target, HotCopyable):
            raise lacks_capability(guard.target, "hotcopy")
        backup = guard.snapshot(name, method)
    coverage = _coverage(backup)
    if json:
        cli.answer({"outcome": "pass", **dataclasses.asdict(backup), **coverage})
        return cli.DONE
    for facts in coverage.values():
        cli.say(f"{backup.id}, taken while clients wrote: {facts.get('sentence')}")
    sys.stdout.write(backup.id + "\n")
    return cli.DONE


def _coverage(backup: Backup) -> JSON:
    """What the manifest says of a backup that was taken under writers; nothing of any other."""
    if not (backup.path and manifest.is_there(Path(backup.path))):
        return {}
    content = manifest.read(Path(backup.path))
    return {key: content[key] for key in ("coverage", "stable") if content.get(key)}


@app.command(cls=Action)
def snapshots(context: typer.Context) -> int:
    """List the backups, newest first."""
    target = _place(context).open("snapshots").target
    if not isinstance(target, HasSnapshots):
        raise lacks_capability(target, "snapshot")
    backups = target.snapshots()
    if not backups:
        cli.say(
            f"{target.name} has no snapshot yet: chromadrill ops --target {target.name} snapshot"
        )
    for backup in backups:
        sys.stdout.write(f"{backup.id}  {backup.created_at}  {backup.bytes / 1e6:.1f} MB\n")
    return cli.DONE


@app.command(cls=Action)
def restore(
    context: typer.Context,
    backup_id: Annotated[str, typer.Argument(metavar="ID", help="a backup's id, or 'latest'")],
) -> int:
    """Put a backup back. The server must be stopped, and stays so."""
    guard = _place(context).open("restore")
    if not isinstance(guard.target, HasSnapshots):
        raise lacks_capability(guard.target, "snapshot")
    restored = guard.restore(backup_id)
    cli.say(f"{guard.target.name}: {restored} restored; the server is stopped, start it now.")
    return cli.DONE


@app.command(cls=Action, name="clean-up")
def clean_up(context: typer.Context) -> int:
    """Remove what dead runs left behind; prints the names."""
    guard = _place(context).open("clean-up")
    keys = guard.sweep()
    sys.stdout.write("".join(f"{key}\n" for key in keys))
    cli.say(f"{guard.target.name}: {len(keys)} leftovers of dead runs removed.")
    return cli.DONE
