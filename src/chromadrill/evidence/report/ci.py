"""The record for CI: annotations of GitHub, and a message for a chat.

Neither is the report. A message leaves the house, so it holds names and numbers, never ids or
values of records.
"""
# no `from __future__ import annotations` here: it would take the name of the function

from collections.abc import Iterator
from typing import Any

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.evidence.report import own_backup
from chromadrill.evidence.report.headline import VOID, fact, headline_of
from chromadrill.evidence.report.markdown import recovery

# GitHub shows ten of a kind for a step and drops the others without a word
MOST = 10
LONGEST = 500
# Slack refuses the whole message when a section has more than 3000 characters
SECTION = 2900
ROWS, GAPS = 60, 20


# ---- annotations --------------------------------------------------------------------------------
def annotations(record: JSON) -> list[str]:
    """Workflow commands: one error for a run that is not green, then what was wrong in it.

    FAIL is an error. UNKNOWN is a warning, and so is what was not covered, in a green run too.
    """
    errors, warnings = list(_errors(record)), list(_warnings(record))
    return [*_at_most("error", errors), *_at_most("warning", warnings)]


def _errors(record: JSON) -> Iterator[tuple[str, str]]:
    if record["outcome"] != "pass":
        about = f"Restore drill of target {record['target'].get('name')}"
        if own_backup.is_own(record):
            about = f"Proof of {own_backup.owner_of(record)}"
        yield headline_of(record).text, f"{about}, run {record['run_id']}."
    yield from _verdicts(record, "fail")
    for test in record.get("failed_tests", ()):
        yield f"{test['test']}: failed, and is no scenario", str(test["error"])


def _warnings(record: JSON) -> Iterator[tuple[str, str]]:
    yield from _verdicts(record, "unknown")
    for scenario in record["scenarios"]:
        if scenario.get("error"):
            yield f"{_name(scenario)}: did not end well", str(scenario["error"])
    for gap in record["not_covered"]:
        yield "not covered", str(gap)


def _verdicts(record: JSON, outcome: str) -> Iterator[tuple[str, str]]:
    for scenario in record["scenarios"]:
        for verdict in scenario["verdicts"]:
            if verdict["outcome"] == outcome:
                title = f"{_name(scenario)}: {verdict['check']} {outcome.upper()}"
                yield title, str(verdict["message"])


def _name(scenario: JSON) -> str:
    return f"{scenario['runbook']} {scenario['title']}"


def _at_most(level: str, messages: list[tuple[str, str]]) -> Iterator[str]:
    first = messages if len(messages) <= MOST else messages[: MOST - 1]
    for title, message in first:
        yield f"::{level} title={_property(title)}::{_data(message[:LONGEST])}"
    if len(messages) > len(first):
        more = f"{len(messages) - len(first)} more are in report.md"
        yield f"::{level} title=and more::{more}"


def _data(text: str) -> str:
    # the percent sign first, or what is escaped would be escaped again
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# ---- chat ---------------------------------------------------------------------------------------
def slack(record: JSON, root_sha256: str, report_url: str | None = None) -> JSON:
    """The body of a Slack-compatible incoming webhook; `text` is what a phone shows.

    `root_sha256`: an auditor verifies the evidence by it later.
    """
    headline = headline_of(record).text
    target = record["target"].get("name")
    blocks: list[Any] = [
        {"type": "header", "text": {"type": "plain_text", "text": headline[:150]}},
        _section(
            f"Target *{_plain(target)}*, run `{_plain(record['run_id'])}`\n{_numbers(record)}"
        ),
    ]
    blocks += [_section(f"```\n{part}\n```") for part in _parts(list(_rows(record)))]
    gaps = [f"- failed: {_plain(test['test'])}" for test in record.get("failed_tests", ())]
    gaps += [f"- not covered: {_plain(gap)}" for gap in record["not_covered"]]
    gaps += [
        f"- next: {_plain(s['next_step']['meaning'])} `{_plain(s['next_step']['command'])}`"
        for s in record["scenarios"]
        if s.get("next_step")
    ]
    blocks += [_section(part) for part in _parts(gaps[:GAPS])]
    where = f"  <{report_url}|Report>" if report_url else ""
    blocks.append(_section(f"Root SHA-256 `{_plain(root_sha256)}`{where}"))
    about = "" if own_backup.is_own(record) else f": target {_plain(target)}"
    return {"text": f"{headline}{about}", "blocks": blocks}


def _numbers(record: JSON) -> str:
    """The scenario nearest to its limit, where the record has a summary."""
    summary = record.get("summary") or {}
    numbers = []
    for name, check in (("recovery", registry.RECOVERY_TIME), ("data_loss", registry.DATA_LOSS)):
        actual, limit = summary.get(f"{check.replace(' ', '_')}_s"), summary.get(f"{name}_limit_s")
        if fact(record, check.replace(" ", "_"), check)[0] == VOID:
            numbers.append(f"{registry.title(check)} {VOID}")
        elif actual is not None and limit is not None:
            numbers.append(f"{registry.title(check)} {actual:.1f} s of {limit:g} s")
    if own_backup.is_own(record):
        value, note, _ = own_backup.coverage_card(record)
        numbers.append(f"coverage {value} ({note})")
    elif summary.get("records_total"):
        lost = sum(summary.get(f"records_{kind}") or 0 for kind in ("lost", "altered", "extra"))
        numbers.append(f"{lost:,} of {summary['records_total']:,} records lost, altered or extra")
    return "; ".join(numbers) or f"{record['started_at']} to {record['finished_at']}"


def _rows(record: JSON) -> Iterator[str]:
    """Worst first: a long table is cut at its end."""
    worst = {"fail": 0, "unknown": 1, "pass": 2}
    scenarios = sorted(record["scenarios"], key=lambda scenario: worst.get(scenario["outcome"], 0))
    for scenario in scenarios[:ROWS]:
        bad = [v["check"] for v in scenario["verdicts"] if v["outcome"] in ("fail", "unknown")]
        row = f"{scenario['outcome'].upper():<7} {scenario['runbook']:<5} {recovery(scenario):>16}"
        row += f"  {scenario['title'][:60]}"
        if bad:
            row += ": " + ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if bad[3:] else "")
        yield _plain(row)
    if len(scenarios) > ROWS:
        yield f"and {len(scenarios) - ROWS} more"


def _parts(lines: list[str]) -> Iterator[str]:
    """The lines in texts that a section may hold."""
    part = ""
    for line in (text[:300] for text in lines):
        if part and len(part) + len(line) + 1 > SECTION:
            yield part
            part = ""
        part += f"\n{line}" if part else line
    if part:
        yield part


def _section(text: str) -> JSON:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: object) -> str:
    """No links, no mentions (<!channel>), and no way out of a code block."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("`", "'").replace("\n", " ")
