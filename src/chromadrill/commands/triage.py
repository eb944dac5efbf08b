"""chromadrill triage --target T: walk RB-9's tree to the most likely cause.

With --logs: only what the log says; `--file F` (or `-`) reads a log from elsewhere, e.g. what
`railway logs --lines 500` printed. Exit code 0: nothing found, 1: a cause, 2: could not tell.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Outcome, Verdict
from chromadrill.core.protocols import HasLogs
from chromadrill.core.redaction import plain
from chromadrill.core.settings import Settings, load
from chromadrill.monitoring.diagnosis.collect import collect
from chromadrill.monitoring.diagnosis.decision_tree import TREE, judge
from chromadrill.monitoring.factory import opened, scopes_of
from chromadrill.monitoring.logs.classify import MOST, Found, read_errors
from chromadrill.monitoring.logs.patterns import GREPS, SILENT
from chromadrill.monitoring.logs.tail import last_lines


def main(arguments: list[str] | None = None) -> int:
    """Collect, judge, say what comes next; returns the exit code."""
    asked = _parser().parse_args(arguments)
    if not 1 <= asked.lines <= MOST:
        raise UsageError(f"--lines: from 1 to {MOST}, got {asked.lines}.")
    settings = load(asked.drill_config)
    if asked.logs or asked.file:
        return _logs(settings, asked)
    target = opened(settings, asked.target)
    symptoms, found = collect(target, scopes_of(target, settings), lines=asked.lines)
    figures = settings.monitoring
    verdicts = judge(symptoms, search_ms=figures.search_ms, disk_percent=figures.disk_percent)
    causes = [each for each in verdicts if each.outcome is Outcome.FAIL]
    steps = _steps(causes, found)
    outcome = Outcome.FAIL if causes else _without_cause(verdicts)
    if asked.json:
        cli.answer(
            {
                "outcome": str(outcome),
                "likely": causes[0].check if causes else None,
                "next_steps": steps,
                "ruled_out": [v.check for v in verdicts if v.outcome is Outcome.PASS],
                "not_told": [v.check for v in verdicts if v.outcome is Outcome.UNKNOWN],
                "verdicts": [dataclasses.asdict(each) for each in verdicts],
                "log": _json(found),
            }
        )
        return cli.EXIT[outcome]
    for branch in ("timeouts", "slow queries", "storage"):
        sys.stdout.write(f"{branch}\n")
        for each in verdicts:
            if TREE[each.check][0] == branch:
                sys.stdout.write(
                    f"  {WORDS[each.outcome]:<10} {each.check:<21} {plain(each.message)}\n"
                )
    sys.stdout.write(_told(verdicts, causes, steps, target.name))
    return cli.EXIT[outcome]


WORDS = {Outcome.PASS: "ruled out", Outcome.FAIL: "FOUND", Outcome.UNKNOWN: "not told"}
PIPE_S = 30.0  # a log that comes over a pipe is read for so long, at most
# without these nobody can say that nothing is wrong
NEEDED = ("service status", "answers")


def _without_cause(verdicts: Sequence[Verdict]) -> Outcome:
    unsure = [v for v in verdicts if v.check in NEEDED and v.outcome is not Outcome.PASS]
    return Outcome.UNKNOWN if unsure else Outcome.PASS


def _steps(causes: Sequence[Verdict], found: Sequence[Found]) -> list[str]:
    """The first cause's step; where it is the log's, those of its patterns."""
    if not causes:
        return []
    steps = [TREE[causes[0].check][1]]
    if any(each.check == "health log" for each in causes):
        steps += [f"{f.pattern.runbook}: {f.pattern.meaning}" for f in found[:3]]
    return steps


def _told(
    verdicts: Sequence[Verdict], causes: Sequence[Verdict], steps: Sequence[str], target: str
) -> str:
    out = [v.check for v in verdicts if v.outcome is Outcome.PASS]
    open_ = [v.check for v in verdicts if v.outcome is Outcome.UNKNOWN]
    lines = [""]
    if causes:
        lines.append(f"most likely: {causes[0].check}: {plain(causes[0].message)}")
        lines += [f"also: {each.check}" for each in causes[1:]]
        lines += [f"next: {each.replace('--target T', f'--target {target}')}" for each in steps]
    else:
        lines += ["no cause found", f"next: {SILENT}"]
    lines += [f"ruled out: {', '.join(out) or 'nothing'}"]
    lines += [f"not told here: {', '.join(open_)}"] if open_ else []
    return "\n".join(lines) + "\n"


# ---- the log alone ------------------------------------------------------------------------------
def _logs(settings: Settings, asked: argparse.Namespace) -> int:
    """The runbook's three greps, sorted; `--kind` keeps one of them."""
    found = read_errors(_lines(settings, asked))
    if asked.kind:
        found = [each for each in found if each.pattern.kind in GREPS[asked.kind]]
    if asked.json:
        cli.answer({"outcome": "fail" if found else "unknown", "found": _json(found),
                    "silent": SILENT})  # fmt: skip
    else:
        for kind, group in itertools.groupby(
            sorted(found, key=lambda f: f.pattern.kind), key=lambda f: f.pattern.kind
        ):
            sys.stdout.write(f"{kind}\n")
            for each in group:
                p = each.pattern
                sys.stdout.write(f"  {each.count:>5} x {p.name}: {p.meaning} ({p.runbook})\n")
                sys.stdout.write(f"          last: {plain(each.last)[:160]}\n")
        sys.stdout.write(("" if found else "no line of known trouble\n") + SILENT + "\n")
    return cli.DIFFERS if found else cli.UNKNOWN


def _lines(settings: Settings, asked: argparse.Namespace) -> list[str]:
    """At most `--lines` of them, the last ones."""
    if asked.file:
        name = str(asked.file)
        if name == "-":
            found, ended = last_lines(sys.stdin.fileno(), asked.lines, PIPE_S)
            if not ended:
                cli.say(
                    f"The log did not end within {PIPE_S:g} s; these are the last lines so far."
                )
            return found
        return Path(name).read_text("utf-8", "replace").splitlines()[-asked.lines :]
    target = opened(settings, asked.target)
    if not isinstance(target, HasLogs):
        raise UsageError(
            f"{target.name} has no log that can be read from here.",
            next_step="Pipe it: railway logs --lines 500 | chromadrill triage --logs --file -",
        )
    return target.logs(asked.lines).splitlines()


def _json(found: Sequence[Found]) -> list[dict[str, object]]:
    return [
        {"name": f.pattern.name, "kind": f.pattern.kind, "count": f.count,
         "meaning": f.pattern.meaning, "runbook": f.pattern.runbook,
         "first": plain(f.first), "last": plain(f.last)}
        for f in found
    ]  # fmt: skip


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="chromadrill triage", description=__doc__)
    parser.add_argument("--target", help="name, URL or package.module:Class (default: process)")
    parser.add_argument("--drill-config", type=Path, help="another drill.toml")
    parser.add_argument("--logs", action="store_true", help="only what the log says")
    parser.add_argument("--file", help="read the log from this file, or from - (standard input)")
    parser.add_argument("--kind", choices=sorted(GREPS), help="one of the runbook's three greps")
    parser.add_argument("--lines", type=int, default=2000, help=f"at most; up to {MOST}")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


if __name__ == "__main__":
    cli.run(main)
