"""A run that proved the user's own backups, for a terminal and as Markdown; pure."""

from __future__ import annotations

from chromadrill.core.model import JSON
from chromadrill.evidence.report import own_backup, proof_sections
from chromadrill.evidence.report.coverage_counts import counts_of, sum_of
from chromadrill.evidence.report.formatting import (
    OUTCOMES,
    count,
    one_line,
    rows,
    share,
    size,
    text_of,
    when,
)
from chromadrill.evidence.report.page_sections import fleet, sources
from chromadrill.evidence.report.proof_sections import LONGEST_REASON

UNTRIED = "NOT TRIED"


def terminal_lines(record: JSON) -> list[str]:
    """What the end of a run says of its backups: coverage, what moved, and every source in a line."""
    lines = []
    scenarios = rows(record, "scenarios") if own_backup.is_own(record) else []
    for scenario in scenarios:
        total = sum_of(counts_of(scenario))
        about = (
            ""
            if len(scenarios) == 1
            else f" of {own_backup.title_of(scenario, record.get('started_at'))}"
        )
        if not total.total:
            lines.append(f"coverage{about}: {_without_recordings(scenario)}")
            continue
        lines.append(
            f"coverage{about}: {share(total.share)} of {count(total.total)} records proven exactly,"
            f" {count(total.moved)} changed meanwhile, {count(total.unseen)} in no recording,"
            f" {count(total.unexplained)} damaged"
        )
    lines += [f"tried: {view['name']}: {view['sentence']}" for view in sources(record)]
    lines += [f"source {line}" for line in fleet_lines(record)]
    return lines


def _without_recordings(scenario: JSON) -> str:
    """What a backup was compared with that lies between no recordings, or why it was not."""
    if scenario.get("error"):
        return f"not measured, {one_line(scenario['error'], LONGEST_REASON)}"
    if any(verdict.get("check") == "fetch" for verdict in rows(scenario, "verdicts")):
        return "not measured, the backup could not be had"
    alone = own_backup.compared_alone(scenario)
    if alone is not None:
        compared = own_backup.fingerprint_of([scenario])
        return f"no recording was needed, {count(alone)} records were compared with {compared}"
    if again := own_backup.proven_before(scenario):
        return f"as proven before, {again}"
    return "not measured, there is no recording to compare with"


def fleet_lines(record: JSON) -> list[str]:
    """ "production: last proven 29 Nov 2026, 03:06:00 UTC, 95.6 %", for each source."""
    lines = []
    for source in fleet(record):
        line = f"{text_of(source.get('name'))}: never proven"
        if source.get("last_proven_at"):
            line = f"{source['name']}: last proven {when(source['last_proven_at'])}"
            line += f", {share(source.get('coverage'), 'coverage not measured')}"
        is_proof = source.get("last_tried_at") == source.get("last_proven_at")
        if not is_proof or source.get("last_outcome") not in (None, "pass"):
            outcome = OUTCOMES.get(str(source.get("last_outcome")), "UNKNOWN")
            line += f"; last try {when(source.get('last_tried_at'))}: {outcome}"
        if source["overdue"]:
            line += f"; OVERDUE, to be proven every {source['overdue']}"
        lines.append(line)
    return lines


def markdown_lines(record: JSON) -> list[str]:
    """The parts of a Markdown report: each backup's coverage, the tried ones, every source."""
    lines = []
    for scenario in rows(record, "scenarios") if own_backup.is_own(record) else []:
        lines += _proof(scenario, record)
    for source in sources(record):
        lines += [
            "", f"## Which backups of {source['name']} were tried", "", source["sentence"], "",
            "| backup | made | size | tried | result | proven exactly |", "|---|---|---|---|---|---|",
        ]  # fmt: skip
        lines += [_tried(artefact) for artefact in [*source["first"], *source["rest"]]]
    if fleet := fleet_lines(record):
        lines += ["", "## Every source of backups", "", *(f"- {line}" for line in fleet)]
    return lines


def _proof(scenario: JSON, record: JSON) -> list[str]:
    title = own_backup.title_of(scenario, record.get("started_at"))
    lines = ["", f"## What was compared: {title}", ""]
    lines += [f"- {what}: {when(at)}" for what, at in proof_sections.recordings(scenario)]
    if counted := counts_of(scenario):
        lines += [
            "",
            "| collection | records | proven exactly | changed meanwhile | in no recording | damaged |",
            "|---|---|---|---|---|---|",
        ]
        every = [sum_of(counted, "all"), *counted] if len(counted) > 1 else counted
        lines += [
            f"| {_cell(c.name)} | {count(c.total)} | {count(c.proven)} ({share(c.share)}) |"
            f" {count(c.moved)} | {count(c.unseen)} | {count(c.unexplained)} |"
            for c in every
        ]
    for head, sentences in (
        ("What moved meanwhile", proof_sections.moved_sentences(scenario)),
        ("What was not compared", proof_sections.not_compared(scenario)),
    ):
        if sentences:
            lines += ["", f"{head}:", "", *(f"- {_cell(line)}" for line in sentences)]
    return lines


def _tried(artefact: JSON) -> str:
    outcome = artefact.get("outcome")
    result = OUTCOMES.get(str(outcome), "UNKNOWN") if outcome else UNTRIED
    if outcome and artefact.get("unknown_at"):
        result += f"; a try {when(artefact['unknown_at'])} could not tell"
    cells = [
        text_of(artefact.get("id")),
        when(artefact.get("created_at")),
        size(artefact.get("bytes")),
        when(artefact.get("proven_at")) if outcome else "never",
        result,
        share(artefact.get("coverage")) if outcome else "-",
    ]
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
