"""chromadrill monitor --target T [--for 10m]: watch a target by the alert rules.

Exit code 0: no rule fired and all were seen; 1: one fired; 2: something was not to be seen.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
from pathlib import Path

from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Scope
from chromadrill.core.settings import Settings, load
from chromadrill.monitoring.alerts import Event
from chromadrill.monitoring.factory import opened, watch_of
from chromadrill.monitoring.live_table import Table
from chromadrill.monitoring.samples import Sample
from chromadrill.monitoring.verdicts import verdicts

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def main(arguments: list[str] | None = None) -> int:
    """Watch, or judge what Better Stack has; returns the exit code."""
    asked = _parser().parse_args(arguments)
    settings = load(asked.drill_config, command_line={"monitoring.time_scale": asked.time_scale})
    if asked.betterstack or asked.plan:
        from chromadrill.commands.betterstack import judge

        return judge(settings, asked.target, plan=asked.plan, as_json=asked.json)
    return _watch(settings, asked)


def _watch(settings: Settings, asked: argparse.Namespace) -> int:
    target = opened(settings, asked.target)
    tellers = []
    if asked.ship:
        from chromadrill.monitoring.betterstack.ship import shipper

        tellers.append(shipper(settings, target.name))
    scopes = [_scope(each) for each in asked.scope or ()]
    table = Table(settings.monitoring.time_scale)

    def told(samples: list[Sample], events: list[Event]) -> None:
        for each in tellers:
            each(samples, events)
        table.update(watch.alerts, events)

    watch = watch_of(target, settings, scopes=scopes, writes=asked.write, told=told)
    if settings.notify.monitor_heartbeat:
        from chromadrill.monitoring.betterstack.ship import pager

        tellers.append(pager(settings, watch.alerts))
    with table:
        try:
            watch.run(asked.duration)
        except KeyboardInterrupt:
            cli.say("Stopped; this is what was seen until now.")
    found = verdicts(watch.alerts)
    outcome = outcome_of(found)
    if asked.json:
        cli.answer(
            {
                "outcome": str(outcome),
                "target": target.name,
                "time_scale": settings.monitoring.time_scale,
                "looks": watch.looks,
                "verdicts": [dataclasses.asdict(each) for each in found],
                "events": [
                    {"kind": e.kind, "rule": e.rule.name, "after_s": round(e.at - watch.began, 3),
                     "value": e.value, "detail": e.detail}
                    for e in watch.alerts.events
                ],
            }
        )  # fmt: skip
    else:
        for each in found:
            sys.stdout.write(f"{each.check:<16} {each.outcome.upper():<8} {each.message}\n")
        sys.stdout.write(f"{outcome.upper()}: {watch.looks} looks at {target.name}\n")
    return cli.EXIT[outcome]


def _scope(text: str) -> Scope:
    try:
        return Scope.parse(text)
    except ValueError as error:
        raise UsageError(f"--scope: {error}") from error


def duration(text: str) -> float:
    """Seconds of "90", "90s", "10m", "2h"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if not match or not float(match[1]):
        raise argparse.ArgumentTypeError(f"'{text}' is no duration: write 90s, 10m or 2h")
    return float(match[1]) * UNITS[match[2]]


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="chromadrill monitor", description=__doc__)
    parser.add_argument("--target", help="name, URL or package.module:Class (default: process)")
    parser.add_argument("--drill-config", type=Path, help="another drill.toml")
    parser.add_argument(
        "--for", dest="duration", type=duration, default=float("inf"), metavar="10m",
        help="how long (default: until it is interrupted)",
    )  # fmt: skip
    parser.add_argument(
        "--scope", action="append", metavar="TENANT/DATABASE", help="repeatable; what is asked of"
    )
    parser.add_argument(
        "--write", action=argparse.BooleanOptionalAction, default=None,
        help="each look also writes one record of our own, always the same one, which stays in the"
        " tenant chromadrill-monitor (default: on servers that chromadrill runs)",
    )  # fmt: skip
    parser.add_argument("--time-scale", type=float, help="shorten every wait, e.g. 0.02; for tests")
    parser.add_argument("--ship", action="store_true", help="send the samples to Better Stack")
    parser.add_argument(
        "--betterstack",
        action="store_true",
        help="judge what Better Stack has, instead of watching",
    )
    parser.add_argument(
        "--plan", action="store_true", help="the same, and print what to create or to change there"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


if __name__ == "__main__":
    cli.run(main)
