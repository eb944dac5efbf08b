"""What on-call types: chromadrill ops --target T restart|stop|start|snapshot|..."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups.posture import store_of
from chromadrill.backups.posture.last_drill import proven
from chromadrill.backups.registry import METHODS
from chromadrill.checks.posture import judge
from chromadrill.core import cli
from chromadrill.core.errors import DrillError, UsageError
from chromadrill.core.model import Backup, Outcome, Plan
from chromadrill.core.protocols import HasLogs, HasSnapshots, Recreatable, Restartable, Target
from chromadrill.core.settings import Settings, load
from chromadrill.core.urls import without_password
from chromadrill.monitoring.backup_notice import noticed
from chromadrill.targets.guarded import GuardedTarget, guard_target, is_named
from chromadrill.targets.registry import open_target
from chromadrill.targets.safety import rules
from chromadrill.targets.safety.access import allow_writes
from chromadrill.targets.safety.target_role import target_role


def main(arguments: list[str] | None = None) -> int:
    """Do one thing to a target; returns the exit code."""
    asked = _parser().parse_args(arguments)
    settings = load(asked.drill_config, command_line={"drill.target": asked.target})
    name = asked.target or settings.drill.target
    if not is_named(asked.incident, name):
        raise UsageError(
            f"--incident {without_password(asked.incident)}: the target is {without_password(name)};"
            " name the same."
        )
    if asked.action == "snapshot":
        # a target that cannot even be opened is a failed backup, too
        with noticed(settings, name):
            made = _snapshot(_opened(settings, name, asked), asked)
        sys.stdout.write(made.id + "\n")
        return cli.DONE
    guard = _opened(settings, name, asked)
    target = guard.target
    if asked.action in ("start", "stop", "restart", "recreate"):
        _service(guard, asked.action)
    elif asked.action == "logs":
        if not isinstance(target, HasLogs):
            raise _cannot(target, "logs")
        sys.stdout.write(target.logs(asked.lines) + "\n")
    elif asked.action == "posture":
        return _posture(settings, guard, asked)
    elif asked.action == "sweep":
        gone = guard.sweep()
        sys.stdout.write("".join(f"{each}\n" for each in gone))
        cli.say(f"{target.name}: {len(gone)} leftovers of dead runs removed.")
    else:
        _snapshots(guard, asked)
    return cli.DONE


def _service(guard: GuardedTarget, action: str) -> None:
    target = guard.target
    if not isinstance(target, Restartable):
        raise _cannot(target, "restart")
    if action == "stop":
        guard.before_stop()
        target.stop()
    else:
        guard.forget_stop()
    if action == "recreate":
        if not isinstance(target, Recreatable):
            raise _cannot(target, "recreate")
        target.recreate()
    elif action == "restart":
        if own := getattr(target, "restart", None):  # the platform's, where it has one
            own()
        else:
            target.stop()
            target.start()
    elif action == "start":
        target.start()
    cli.say(f"{target.name}: {action} done, {without_password(target.url)}")


def _opened(settings: Settings, name: str, asked: argparse.Namespace) -> GuardedTarget:
    """The target behind its rails, which are asked before it is opened, and after."""
    export = getattr(asked, "method", None) == "export"
    if asked.incident is None:
        rules.require_may_operate(target_role(settings, name), asked.action, export=export)
    target = open_target(settings, name)
    guard = guard_target(settings, target, name, incident=asked.incident is not None)
    if asked.incident is None:
        rules.require_may_operate(guard.at, asked.action, export=export)  # its address is known now
    else:
        allow_writes(target.url)
    return guard


def _snapshot(guard: GuardedTarget, asked: argparse.Namespace) -> Backup:
    if not isinstance(guard.target, HasSnapshots):
        raise _cannot(guard.target, "snapshot")
    return guard.snapshot(asked.name, asked.method)


def _snapshots(guard: GuardedTarget, asked: argparse.Namespace) -> None:
    target = guard.target
    if not isinstance(target, HasSnapshots):
        raise _cannot(target, "snapshot")
    if asked.action == "snapshots":
        for each in target.snapshots():
            sys.stdout.write(f"{each.id}  {each.created_at}  {each.bytes / 1e6:.1f} MB\n")
    else:
        done = guard.restore(asked.id)
        cli.say(f"{target.name}: {done} restored; the server is stopped, start it now.")


def _posture(settings: Settings, guard: GuardedTarget, asked: argparse.Namespace) -> int:
    environment = guard.at.environment
    plans = settings.environments[environment].backups if environment else ()
    verdicts = judge(
        store_of(guard.target, asked.store),
        [Plan(each.every, each.at, each.keep_days) for each in plans],
        now=datetime.now(UTC),
        may_lose_s=settings.objectives.data_loss_s,
        restore_limit_s=settings.objectives.rb2_recovery_s,
        proven=proven(asked.proven or Path(settings.drill.reports) / "latest"),
        kind=guard.at.kind,
        simulated=getattr(guard.target, "simulated", False),
    )
    outcome = Outcome.merge(each.outcome for each in verdicts)
    if asked.json:
        cli.answer({"outcome": outcome, "environment": environment, "verdicts": verdicts})
    else:
        for each in verdicts:
            sys.stdout.write(f"{each.check:<18} {each.outcome.upper():<8} {each.message}\n")
        sys.stdout.write(f"{outcome.upper()}: backups of {guard.at.target}\n")
    return cli.EXIT[outcome]


def _cannot(target: Target, capability: str) -> DrillError:
    return DrillError(f"{target.name} cannot do this: it has no capability '{capability}'.")


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="chromadrill ops", description=__doc__)
    parser.add_argument("--target", help="name, URL or package.module:Class (default: process)")
    parser.add_argument("--drill-config", type=Path, help="another drill.toml")
    parser.add_argument(
        "--incident",
        metavar="NAME",
        help="take the rails off, by the target's name: for a person in an incident, never a drill",
    )
    actions = parser.add_subparsers(dest="action", required=True, parser_class=cli.Parser)
    for name, text in (
        ("start", "start the server; returns when it answers a real query"),
        ("stop", "stop the server"),
        ("restart", "stop, start"),
        ("recreate", "a new server on the volume that is there, as a deployment makes it"),
        ("snapshots", "list backups, newest first"),
        ("sweep", "remove the collections that dead runs left behind"),
    ):
        actions.add_parser(name, help=text)
    posture = actions.add_parser("posture", help="are the backups as the environment wants them?")
    posture.add_argument(
        "--store",
        help="a folder of backups, or restic:REPOSITORY[#TAG or #/PATH] (default: the target's)",
    )
    posture.add_argument(
        "--proven", type=Path, metavar="RUN", help="the drill that took the time of a restore"
    )
    posture.add_argument("--json", action="store_true", help="one JSON object")
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
