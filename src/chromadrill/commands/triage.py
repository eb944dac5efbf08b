"""RB-9: the most likely cause of a trouble."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import EXIT, LONGEST_MESSAGE, print_line, verdicts_json
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Outcome, Verdict
from chromadrill.core.protocols import HasLogs, Restartable
from chromadrill.core.redaction import mask_secrets
from chromadrill.core.settings import Settings, load
from chromadrill.core.urls import without_password
from chromadrill.evidence.report.formatting import one_line
from chromadrill.monitoring.diagnosis.collect import collect
from chromadrill.monitoring.diagnosis.decision_tree import TREE, judge, next_step
from chromadrill.monitoring.factory import monitored_scopes, open_even_if_down
from chromadrill.monitoring.logs.classify import MOST, LogFinding, classify
from chromadrill.monitoring.logs.patterns import GREPS, LEAVES_REMAINS, SALVAGE, SILENT
from chromadrill.monitoring.logs.tail import last_lines
from chromadrill.targets.safety.target_role import target_role

LABELS = {Outcome.PASS: "ruled out", Outcome.FAIL: "FOUND", Outcome.UNKNOWN: "not told"}
PIPE_S = 30.0  # a log that comes over a pipe is read for so long, at most
# without these nobody can say that nothing is wrong
NEEDED = ("service status", "answers")

app = application()


@app.command(cls=Command)
def triage(
    target: options.TargetName = None,
    drill_config: options.DrillConfig = None,
    logs: Annotated[bool, typer.Option("--logs", help="only what the log says")] = False,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="F", help="read the log from this file, or from - (stdin)"),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar="|".join(sorted(GREPS)), help="one of the runbook's three greps"
        ),
    ] = None,
    lines: Annotated[
        int, typer.Option("--lines", metavar="N", show_default=True, help=f"at most; up to {MOST}")
    ] = 2000,
    json: options.Json = False,
) -> int:
    """RB-9: walk the tree of troubles to the most likely cause, and say what comes next.

    With --logs: only what the log says. --file reads a log from elsewhere, e.g. what
    `railway logs --lines 500` printed. Exit 0: nothing found; 1: a cause; 2: could not
    tell, which a log without a known line always is.
    """
    if not 1 <= lines <= MOST:
        raise UsageError(f"--lines: from 1 to {MOST}, got {lines}.")
    options.require_known("--kind", kind, GREPS)
    settings = load(drill_config)
    if logs or file:
        log = _log_lines(settings, target, file, lines)
        return _judge_log(log, kind, as_json=json)
    return _walk_tree(settings, target, lines, as_json=json)


# ---- the tree -----------------------------------------------------------------------------------
def _walk_tree(settings: Settings, target_name: str | None, lines: int, *, as_json: bool) -> int:
    target = open_even_if_down(settings, target_name)
    limits = settings.monitoring
    symptoms, log_errors = collect(
        target,
        monitored_scopes(target, settings),
        lines=lines,
        flusher_heartbeat=limits.flusher_heartbeat,
    )
    verdicts = judge(symptoms, search_ms=limits.search_ms, disk_percent=limits.disk_percent)
    causes = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    role = target_role(settings, target_name or settings.drill.target)
    has_ops = isinstance(target, Restartable) or role.kind != "remote"

    def step_of(check: str) -> list[str]:
        url = without_password(target.url)
        return next_step(check, target=role.target, url=url, has_ops=has_ops).splitlines()

    steps = step_of(causes[0].check) if causes else []
    if any(cause.check == "health log" for cause in causes):
        steps += [f"{e.pattern.runbook}: {e.pattern.meaning}" for e in log_errors[:3]]
        steps += _salvage_steps(log_errors)
    if not causes and symptoms.refusals:
        steps = step_of("access")
    outcome = Outcome.FAIL if causes else _without_cause(verdicts)
    if as_json:
        cli.answer(
            {
                "outcome": str(outcome),
                "likely": causes[0].check if causes else None,
                "next_steps": steps,
                "ruled_out": [v.check for v in verdicts if v.outcome is Outcome.PASS],
                "not_told": [v.check for v in verdicts if v.outcome is Outcome.UNKNOWN],
                "verdicts": verdicts_json(verdicts),
                "log": _log_json(log_errors),
            }
        )
        return EXIT[outcome]
    for branch in ("timeouts", "slow queries", "storage"):
        sys.stdout.write(f"{branch}\n")
        for verdict in verdicts:
            if TREE[verdict.check][0] == branch:
                start = f"  {LABELS[verdict.outcome]:<10} {verdict.check:<21} "
                message = one_line(mask_secrets(verdict.message), LONGEST_MESSAGE)
                print_line(start + message, indent=len(start))
    _print_conclusion(verdicts, causes, steps, without_password(target.url))
    return EXIT[outcome]


def _without_cause(verdicts: Sequence[Verdict]) -> Outcome:
    unsure = [v for v in verdicts if v.check in NEEDED and v.outcome is not Outcome.PASS]
    return Outcome.UNKNOWN if unsure else Outcome.PASS


def _print_conclusion(
    verdicts: Sequence[Verdict], causes: Sequence[Verdict], steps: Sequence[str], url: str
) -> None:
    ruled_out = [verdict.check for verdict in verdicts if verdict.outcome is Outcome.PASS]
    open_checks = [verdict.check for verdict in verdicts if verdict.outcome is Outcome.UNKNOWN]
    print_line("")
    if causes:
        print_line(f"most likely: {causes[0].check}: {mask_secrets(causes[0].message)}")
        for cause in causes[1:]:
            print_line(f"also: {cause.check}")
    elif steps:
        refused = next(verdict.message for verdict in verdicts if verdict.check == "access")
        print_line(f"nobody could look: {mask_secrets(refused)}")
    else:
        print_line("no cause found")
    if not steps:
        _print_silent(url)
    for step in steps:
        label = "      " if step.startswith("then: ") else "next: "
        print_line(f"{label}{step}", indent=6)
    print_line(f"ruled out: {', '.join(ruled_out) or 'nothing'}", indent=4)
    if open_checks:
        print_line(f"not told here: {', '.join(open_checks)}", indent=4)


def _print_silent(url: str) -> None:
    sentence, _, command = SILENT.partition(" Ask the data: ")
    print_line(sentence)
    print_line(f"next: {command.replace('--url URL', f'--url {url}')}", indent=6)


# ---- the log alone ------------------------------------------------------------------------------
def _judge_log(lines: list[str], kind: str | None, *, as_json: bool) -> int:
    """The runbook's three greps, sorted; `kind` keeps one of them."""
    errors = classify(lines)
    if kind:
        errors = [error for error in errors if error.pattern.kind in GREPS[kind]]
    if as_json:
        outcome = "fail" if errors else "unknown"
        steps = _salvage_steps(errors)
        more = {"next_steps": steps} if steps else {}
        cli.answer({"outcome": outcome, "found": _log_json(errors), "silent": SILENT, **more})
    else:
        by_kind = sorted(errors, key=lambda error: error.pattern.kind)
        for name, group in itertools.groupby(by_kind, key=lambda error: error.pattern.kind):
            sys.stdout.write(f"{name}\n")
            for error in group:
                p = error.pattern
                print_line(f"  {error.count:>5} x {p.name}: {p.meaning} ({p.runbook})", indent=10)
                print_line(f"          last: {mask_secrets(error.last)[:160]}", indent=16)
        if not errors:
            print_line("no line of known trouble")
        for step in _salvage_steps(errors):
            print_line(f"next: {step}", indent=6)
        _print_silent("URL")
    return cli.DIFFERS if errors else cli.UNKNOWN


def _salvage_steps(errors: Sequence[LogFinding]) -> list[str]:
    return [SALVAGE] if any(error.pattern.name in LEAVES_REMAINS for error in errors) else []


def _log_lines(
    settings: Settings, target_name: str | None, file: str | None, lines: int
) -> list[str]:
    """At most `lines` of them, the last ones."""
    if file == "-":
        log, ended = last_lines(sys.stdin.fileno(), lines, PIPE_S)
        if not ended:
            cli.say(f"The log did not end within {PIPE_S:g} s; these are the last lines so far.")
        return log
    if file:
        return Path(file).read_text("utf-8", "replace").splitlines()[-lines:]
    target = open_even_if_down(settings, target_name)
    if not isinstance(target, HasLogs):
        raise UsageError(
            f"{target.name} has no log that can be read from here.",
            next_step="Pipe it: railway logs --lines 500 | chromadrill triage --logs --file -",
        )
    return target.logs(lines).splitlines()


def _log_json(errors: Sequence[LogFinding]) -> list[dict[str, object]]:
    return [
        {
            "name": error.pattern.name,
            "kind": error.pattern.kind,
            "count": error.count,
            "meaning": error.pattern.meaning,
            "runbook": error.pattern.runbook,
            "first": mask_secrets(error.first),
            "last": mask_secrets(error.last),
        }
        for error in errors
    ]
