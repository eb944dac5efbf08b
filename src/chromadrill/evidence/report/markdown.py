"""The record as Markdown, and as the table at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.evidence.report import own_backup, own_backup_text
from chromadrill.evidence.report.formatting import one_line
from chromadrill.evidence.report.headline import NOT_COVERED, headline_of
from chromadrill.evidence.report.prober import heavy_prober, prober_line

if TYPE_CHECKING:  # rich is imported where a table is printed: every command of `ops` comes by here
    from rich.console import Console
    from rich.table import Table

WIDE = 100  # columns of a terminal
LONGEST_CELL = 300  # characters; a longer message is below the table, all of it
STYLE = {"pass": "green", "fail": "bold red", "unknown": "yellow"}


def recovery(scenario: JSON) -> str:
    """ "3.4 s of 300 s", or "-" where nothing had to recover."""
    for verdict in scenario["verdicts"]:
        if verdict["check"] == registry.RECOVERY_TIME and verdict["limit"] is not None:
            actual = "never" if verdict["actual"] is None else f"{verdict['actual']:.1f} s"
            if verdict["outcome"] == "unknown" and verdict["actual"] is not None:
                return f"void, limit {verdict['limit']:g} s"
            return f"{actual} of {verdict['limit']:g} s"
    return "-"


def table(record: JSON, width: int = WIDE) -> Table:
    """Scenario, verdict, recovery time against its limit, records compared.

    On a narrow terminal the heads of columns have two lines: the scenario's name needs the room.
    """
    from rich.table import Table

    recovery_head, records_head = registry.title(registry.RECOVERY_TIME), "records compared"
    if width < WIDE:
        recovery_head = recovery_head.replace(" ", "\n", 1)
        records_head = records_head.replace(" ", "\n")
    summary = Table(title=None, show_edge=False, pad_edge=False)
    for name, where in (
        ("runbook", "left"),
        ("scenario", "left"),
        ("verdict", "left"),
        (recovery_head, "right"),
        (records_head, "right"),
    ):
        summary.add_column(name, justify=where, overflow="fold")  # type: ignore[arg-type]
    for scenario in record["scenarios"]:
        colour = STYLE[scenario["outcome"]]
        summary.add_row(
            scenario["runbook"],
            scenario["title"],
            f"[{colour}]{scenario['outcome'].upper()}[/]",
            recovery(scenario),
            f"{scenario.get('records', 0):,}",
        )
    return summary


def print_summary(record: JSON, folder: str, console: Console) -> None:
    """What a manager sees at the end of a run."""
    from rich.markup import escape

    console.print()
    console.print(table(record, console.width))
    console.print()
    colour = STYLE[record["outcome"]]
    target = f"target {record['target'].get('name')}"
    about = escape(record.get("subject") or target)
    headline = headline_of(record)
    console.print(f"[{colour}]{headline.text}[/]  {about}, run {record['run_id']}", soft_wrap=True)
    for reason in headline.reasons:
        if not reason.startswith(NOT_COVERED):  # those follow, of green runs too
            console.print(f"why: {one_line(reason)}", markup=False, soft_wrap=True)
    for gap in record["not_covered"]:
        console.print(f"not covered: {gap}", markup=False, soft_wrap=True)
    for line in own_backup_text.terminal_lines(record):
        console.print(line, markup=False, soft_wrap=True)
    if heavy := heavy_prober(record):
        console.print(f"beware: {heavy}", markup=False, soft_wrap=True)
    console.print(f"evidence: {folder}", markup=False, soft_wrap=True)
    console.print(f"page: {folder}/report.html", markup=False, soft_wrap=True)


def markdown(record: JSON) -> str:
    """The record for a reader: verdict, table, every scenario's verdicts and phases."""
    lines = [
        f"# {_kind(record)} {record['run_id']}: {headline_of(record).text}",
        "",
        f"Target {record['target'].get('name')}, {record['started_at']} to {record['finished_at']}."
        f" Embedder: {record['embedder']['name']}.",
        "",
        f"| runbook | scenario | verdict | {registry.title(registry.RECOVERY_TIME)}"
        " | records compared |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {s['runbook']} | {s['title']} | {s['outcome'].upper()} | {recovery(s)}"
        f" | {s.get('records', 0):,} |"
        for s in record["scenarios"]
    ]
    if record.get("subject"):
        lines[2:2] = [f"What was tried: {record['subject']}.", ""]
    lines += own_backup_text.markdown_lines(record)
    for gap in record["not_covered"]:
        lines += ["", f"Not covered: {gap}"]
    for test in record.get("failed_tests", ()):
        lines += ["", f"Failed, and no scenario: {test['test']}: {_cell(test['error'])}"]
    for scenario in record["scenarios"]:
        lines += [
            "",
            f"## {scenario['title']}",
            "",
            "| check | outcome | message |",
            "|---|---|---|",
        ]
        lines += [
            f"| {v['check']} | {v['outcome'].upper()} | {_cell(v['message'])} |"
            for v in scenario["verdicts"]
        ]
        for v in scenario["verdicts"]:
            if one_line(v["message"], LONGEST_CELL) != " ".join(v["message"].split()):
                lines += ["", f"All of `{v['check']}`:", "", "````", v["message"], "````"]
        if scenario.get("error"):
            lines += ["", f"Error: {_cell(scenario['error'])}"]
        lines += [
            "",
            "Phases: " + "; ".join(f"{p['name']} {p['seconds']:.1f} s" for p in scenario["phases"]),
        ]
        if cost := prober_line(scenario):
            lines += ["", cost]
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    return "\n".join([*lines, "", f"Versions: {versions}.", ""])


def _kind(record: JSON) -> str:
    return "Proof of backups" if own_backup.is_own(record) else "Restore drill"


def _cell(text: str) -> str:
    return one_line(text, LONGEST_CELL).replace("|", "\\|")
