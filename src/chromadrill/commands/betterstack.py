"""`chromadrill monitor --betterstack` and `--plan`: read, judge, print."""

from __future__ import annotations

import dataclasses
import sys

from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.core.settings import Settings
from chromadrill.core.urls import without_password
from chromadrill.monitoring.betterstack.diff import judge as judged_by
from chromadrill.monitoring.betterstack.fetch import read
from chromadrill.monitoring.betterstack.plan import calls, printed, terraform
from chromadrill.targets.registry import open_target


def judge(settings: Settings, target: str | None, *, plan: bool, as_json: bool) -> int:
    """Verdicts on standard output, with `plan` the changes after them; returns the exit code."""
    url = settings.monitoring.url or open_target(settings, target).url
    found = judged_by(read(settings.betterstack), settings, without_password(url))
    outcome = outcome_of(found.verdicts)
    if as_json:
        more = (
            {"calls": calls(found, settings.betterstack), "terraform": terraform(found)}
            if plan
            else {}
        )
        verdicts = [dataclasses.asdict(each) for each in found.verdicts]
        cli.answer({"outcome": str(outcome), "verdicts": verdicts, **more})
        return cli.EXIT[outcome]
    for each in found.verdicts:
        line = f"{each.check:<22} {each.outcome.upper():<8} {each.message}\n"
        sys.stderr.write(line) if plan else sys.stdout.write(line)
    if plan:
        sys.stdout.write(printed(found, settings.betterstack))
    return cli.EXIT[outcome]
