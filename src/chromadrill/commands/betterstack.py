"""`chromadrill monitor --betterstack` and `--plan`: read, judge, print."""

from __future__ import annotations

import sys

from chromadrill.checks.suite import outcome_of
from chromadrill.commands.output import EXIT, verdicts_json
from chromadrill.core import cli
from chromadrill.core.settings import Settings
from chromadrill.core.urls import without_password
from chromadrill.monitoring.betterstack import diff
from chromadrill.monitoring.betterstack.fetch import fetch_account
from chromadrill.monitoring.betterstack.plan import calls, plan_text, terraform
from chromadrill.targets.registry import open_target


def judge(settings: Settings, target: str | None, *, plan: bool, as_json: bool) -> int:
    """Verdicts on standard output, with `plan` the changes after them; returns the exit code."""
    url = settings.monitoring.url or open_target(settings, target).url
    state = diff.judge(fetch_account(settings.betterstack), settings, without_password(url))
    outcome = outcome_of(state.verdicts)
    if as_json:
        changes = (
            {"calls": calls(state, settings.betterstack), "terraform": terraform(state)}
            if plan
            else {}
        )
        verdicts = verdicts_json(state.verdicts)
        cli.answer({"outcome": str(outcome), "verdicts": verdicts, **changes})
        return EXIT[outcome]
    for verdict in state.verdicts:
        line = f"{verdict.check:<22} {verdict.outcome.upper():<8} {verdict.message}\n"
        sys.stderr.write(line) if plan else sys.stdout.write(line)
    if plan:
        sys.stdout.write(plan_text(state, settings.betterstack))
    return EXIT[outcome]
