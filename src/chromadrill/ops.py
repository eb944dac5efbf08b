"""What on-call types: python -m chromadrill.ops --target T restart|stop|start|snapshot|..."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chromadrill import cli
from chromadrill.backup_notice import noticed
from chromadrill.backups.methods import METHODS
from chromadrill.errors import DrillError
from chromadrill.model import Backup
from chromadrill.protocols import HasLogs, HasSnapshots, Recreatable, Restartable, Target
from chromadrill.settings import load
from chromadrill.targets import open_target


def main(arguments: list[str] | None = None) -> int:
    """Do one thing to a target; returns the exit code."""
    asked = _parser().parse_args(arguments)
    settings = load(asked.drill_config)
    if asked.action == "snapshot":
        # a target that cannot even be opened is a failed backup, too
        with noticed(settings, asked.target or settings.drill.target):
            made = _snapshot(open_target(settings, asked.target), asked)
        sys.stdout.write(made.id + "\n")
        return cli.DONE
    target = open_target(settings, asked.target)
    if asked.action in ("start", "stop", "restart", "recreate"):
        _service(target, asked.action)
    elif asked.action == "logs":
        if not isinstance(target, HasLogs):
            raise _cannot(target, "logs")
        sys.stdout.write(target.logs(asked.lines) + "\n")
    else:
        _snapshots(target, asked)
    return cli.DONE


def _service(target: Target, action: str) -> None:
    if not isinstance(target, Restartable):
        raise _cannot(target, "restart")
    if action == "recreate":
        if not isinstance(target, Recreatable):
            raise _cannot(target, "recreate")
        target.recreate()
    if action in ("stop", "restart"):
        target.stop()
    if action in ("start", "restart"):
        target.start()
    cli.say(f"{target.name}: {action} done, {target.url}")


def _snapshot(target: Target, asked: argparse.Namespace) -> Backup:
    if not isinstance(target, HasSnapshots):
        raise _cannot(target, "snapshot")
    return target.snapshot(asked.name, asked.method)


def _snapshots(target: Target, asked: argparse.Namespace) -> None:
    if not isinstance(target, HasSnapshots):
        raise _cannot(target, "snapshot")
    if asked.action == "snapshots":
        for each in target.snapshots():
            sys.stdout.write(f"{each.id}  {each.created_at}  {each.bytes / 1e6:.1f} MB\n")
    else:
        target.restore(asked.id)
        cli.say(f"{target.name}: {asked.id} restored; the server is stopped, start it now.")


def _cannot(target: Target, capability: str) -> DrillError:
    return DrillError(f"{target.name} cannot do this: it has no capability '{capability}'.")


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m chromadrill.ops", description=__doc__)
    parser.add_argument("--target", help="name, URL or package.module:Class (default: process)")
    parser.add_argument("--drill-config", type=Path, help="another drill.toml")
    actions = parser.add_subparsers(dest="action", required=True, parser_class=cli.Parser)
    for name, text in (
        ("start", "start the server; returns when it answers a real query"),
        ("stop", "stop the server"),
        ("restart", "stop, start"),
        ("recreate", "a new server on the volume that is there, as a deployment makes it"),
        ("snapshots", "list backups, newest first"),
    ):
        actions.add_parser(name, help=text)
    snapshot = actions.add_parser("snapshot", help="make a backup; prints its id")
    snapshot.add_argument("--name", help="the id to give it")
    snapshot.add_argument("--method", default="volume-copy", choices=METHODS, help="how")
    restore = actions.add_parser("restore", help="put a backup back; the server must be stopped")
    restore.add_argument("id", help="a backup's id, or 'latest'")
    logs = actions.add_parser("logs", help="the last lines of the server's log")
    logs.add_argument("--lines", type=int, default=200)
    return parser


if __name__ == "__main__":
    cli.run(main)
