"""Watch a target by the alert rules."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from chromadrill.checks.suite import outcome_of
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import EXIT, print_verdicts, verdicts_json
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Scope, Verdict
from chromadrill.core.settings import Settings, load
from chromadrill.monitoring.alerts import Event
from chromadrill.monitoring.factory import monitor_of, open_even_if_down
from chromadrill.monitoring.live_table import LiveTable
from chromadrill.monitoring.monitor import Monitor
from chromadrill.monitoring.samples import Sample
from chromadrill.monitoring.verdicts import verdicts

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

app = application()


@app.command(cls=Command)
def monitor(
    target: options.TargetName = None,
    drill_config: options.DrillConfig = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="10m", help="how long (default: until it is interrupted)"),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="TENANT/DATABASE", help="repeatable; what is watched"),
    ] = None,
    write: Annotated[
        bool | None,
        typer.Option(
            "--write/--no-write",
            help="each look also writes one record of our own, always the same one, which stays in"
            " the tenant chromadrill-monitor (default: on servers that chromadrill runs)",
        ),
    ] = None,
    time_scale: Annotated[
        float | None,
        typer.Option("--time-scale", metavar="F", help="shorten every wait, e.g. 0.02; for tests"),
    ] = None,
    ship: Annotated[bool, typer.Option("--ship", help="send the samples to Better Stack")] = False,
    betterstack: Annotated[
        bool,
        typer.Option("--betterstack", help="judge what Better Stack has, instead of watching"),
    ] = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="the same, and print what to create or to change there"),
    ] = False,
    json: options.Json = False,
) -> int:
    """Watch a target by the alert rules, or judge what Better Stack has.

    Exit 0: no rule fired and all were seen; 1: one fired; 2: something was not to be seen.
    """
    duration_s = duration(for_) if for_ is not None else float("inf")
    settings = load(drill_config, command_line={"monitoring.time_scale": time_scale})
    if betterstack or plan:
        from chromadrill.commands import betterstack as account

        return account.judge(settings, target, plan=plan, as_json=json)
    scopes = [options.scope_named(text) for text in scope or ()]
    return _watch(settings, target, scopes, duration_s, write=write, ship=ship, as_json=json)


def _watch(
    settings: Settings,
    target_name: str | None,
    scopes: list[Scope],
    duration_s: float,
    *,
    write: bool | None,
    ship: bool,
    as_json: bool,
) -> int:
    target = open_even_if_down(settings, target_name)
    listeners = []
    if ship:
        from chromadrill.monitoring.betterstack.ship import shipper

        listeners.append(shipper(settings, target.name))
    table = LiveTable(settings.monitoring.time_scale)

    def on_samples(samples: list[Sample], events: list[Event]) -> None:
        for listener in listeners:
            listener(samples, events)
        table.update(running.alerts, events)

    running = monitor_of(target, settings, scopes=scopes, writes=write, on_samples=on_samples)
    if settings.notify.monitor_heartbeat:
        from chromadrill.monitoring.betterstack.ship import pager

        listeners.append(pager(settings, running.alerts))
    with table:
        try:
            running.run(duration_s)
        except KeyboardInterrupt:
            cli.say("Stopped; this is what was seen until now.")
    judged = verdicts(running.alerts)
    outcome = outcome_of(judged)
    if as_json:
        cli.answer(_json(running, target.name, settings.monitoring.time_scale, judged))
        return EXIT[outcome]
    print_verdicts(judged)
    sys.stdout.write(f"{outcome.upper()}: {running.looks} looks at {target.name}\n")
    return EXIT[outcome]


def _json(running: Monitor, target: str, time_scale: float, judged: list[Verdict]) -> object:
    return {
        "outcome": str(outcome_of(judged)),
        "target": target,
        "time_scale": time_scale,
        "looks": running.looks,
        "verdicts": verdicts_json(judged),
        "events": [
            {
                "kind": event.kind,
                "rule": event.rule.name,
                "after_s": round(event.at - running.began, 3),
                "value": event.value,
                "detail": event.detail,
            }
            for event in running.alerts.events
        ],
    }


def duration(text: str) -> float:
    """Seconds of "90", "90s", "10m", "2h"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if not match or not float(match[1]):
        raise UsageError(f"--for '{text}' is no duration: write 90s, 10m or 2h.")
    return float(match[1]) * UNITS[match[2]]
