"""The parts of the page of own backups: the moments of a proof, what moved, what was not compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.evidence.report.coverage_chart import coverage_chart
from chromadrill.evidence.report.coverage_counts import Counts, counts_of, sum_of
from chromadrill.evidence.report.formatting import (
    count,
    one_line,
    part,
    rows,
    share,
    text_of,
    texts,
)
from chromadrill.evidence.report.own_backup import (
    age_card,
    compared_alone,
    coverage_card,
    fingerprint_of,
    is_export,
    is_own,
    made_at,
    owner_of,
    proven_before,
    title_of,
    tried_card,
)

# of a backup between two recordings, as `legend_of` has it
LEGEND = (
    ("proven", "right", "proven exactly",
     "the same in both recordings, and exactly so in the backup."),
    ("moved", "timeout", "changed meanwhile",
     "clients wrote between the recordings, so the backup may hold any version of them."),
    ("unseen", "unwatched", "in no recording",
     "they came and went between the recordings, so nothing can be said of them."),
    ("unexplained", "error", "damaged",
     "they were the same before and after, and are missing or different in the backup."),
)  # fmt: skip
LONGEST_REASON = 160  # characters, of why a check was not asked


def recordings(scenario: JSON) -> list[tuple[str, Any]]:
    """The moments of a proof in their order: what, and when (ISO 8601; None for not recorded)."""
    coverage, backup = part(scenario, "coverage"), part(scenario, "backup")
    before, after = part(coverage, "before"), part(coverage, "after")
    owner = text_of(backup.get("source"), "the database")
    owner = owner if "/" not in owner else "the database"
    alone = compared_alone(scenario) is not None
    if alone or proven_before(scenario):
        where = "sealed in it" if is_export(scenario) else "beside it"
        beside = f", with a fingerprint {where}" if alone else ""
        return [
            (f"the backup is taken{beside}", made_at(backup)),
            ("it is fetched and tried here", scenario.get("started_at")),
        ]
    again = (f"{owner} recorded again", after.get("taken_at"))
    fetched = ("the backup is fetched and tried here", scenario.get("started_at"))
    # one that was taken of the live database for this run came after the fetching
    last = [fetched, (f"{again[0]}, live", again[1])] if after.get("live") else [again, fetched]
    return [
        (f"{owner} recorded", before.get("taken_at")),
        ("the backup is taken", made_at(backup)),
        *last,
    ]


def is_bracketed(scenario: JSON) -> bool:
    """Whether there is a recording on both sides of the backup."""
    coverage = part(scenario, "coverage")
    return bool(part(coverage, "before") and part(coverage, "after"))


def legend_of(scenario: JSON) -> tuple[tuple[str, str, str, str], ...]:
    """Kind of record, its pattern, its name, and what it means to somebody who meets it first."""
    if is_bracketed(scenario):
        return LEGEND
    return (
        ("proven", "right", "proven exactly", "the same in the one recording and in the backup."),
        ("moved", "timeout", "differ", "changed by clients or damaged: one recording cannot tell."),
        *LEGEND[2:],
    )


def moved_sentences(scenario: JSON) -> list[str]:
    """What moved while the backup was taken, and why that is no damage."""
    total = sum_of(counts_of(scenario))
    found = []
    if total.moved and not is_bracketed(scenario):
        found.append(
            f"{count(total.moved)} records differ from the one recording: clients changed them, or"
            " they are damaged. Nobody can tell without a second recording."
        )
    elif total.moved:
        found.append(_moved_between(total))
    if total.unseen:
        found.append(
            f"{count(total.unseen)} records are in the backup and in neither recording: they came"
            " and went in between. Nothing can be said of their content."
        )
    if total.total and not found:
        found.append("Nothing changed between the two recordings: all of it could be compared.")
    return found


def _moved_between(total: Counts) -> str:
    """What is known of records that moved between two recordings, and what is not."""
    text = (
        f"{count(total.moved)} records changed between the two recordings: clients went on writing."
    )
    if total.in_between is None:
        return f"{text} The backup may hold any version of them, or none where they came or went."
    known = total.moved - total.in_between
    text += f" {count(known)} of them are in the backup as one of the recordings has them, or were"
    text += " added or deleted meanwhile and are not in it."
    if total.in_between:
        text += f" {count(total.in_between)} are in it in a version that neither recording has:"
        text += " nothing can check their content."
    return text


def not_compared(scenario: JSON) -> list[str]:
    """What this proof does not say, each in a sentence."""
    return [*_recordings_missing(scenario), *_checks_missing(rows(scenario, "verdicts"))]


def _recordings_missing(scenario: JSON) -> list[str]:
    coverage, total = part(scenario, "coverage"), sum_of(counts_of(scenario))
    if is_bracketed(scenario):
        strange = total.moved if total.in_between is None else total.in_between
        gap = f"The content of {count(strange)} of the {count(total.moved)} records that changed"
        return [f"{gap}: no recording has it."] if strange else []
    if compared_alone(scenario) is not None:
        gap = "Whether the export held all that the database did: only its own fingerprint says so."
        return [gap] if is_export(scenario) else []
    if again := proven_before(scenario):
        return [f"Its records, one by one: they were when it was proven first ({again})."]
    reasons = texts(scenario, "missing_recordings")
    gaps = [f"{why[:1].upper()}{why[1:].rstrip('.')}." for why in reasons]
    if not coverage:
        gap = "No recording of the database lies around this backup: its records were not compared"
        return [*gaps, f"{gap} with what they were."]
    missing = [side for side in ("before", "after") if not part(coverage, side)]
    return gaps + [
        f"No recording from {side} the backup: changes cannot be told from damage."
        for side in missing
    ]


def _checks_missing(verdicts: Sequence[JSON]) -> list[str]:
    """Checks that were not asked or could not be judged: one sentence for each reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        if verdict.get("outcome") in ("not_run", "unknown"):
            message = one_line(verdict.get("message"), LONGEST_REASON).rstrip(".")
            names = reasons.setdefault((str(verdict["outcome"]), message), [])
            names.append(text_of(verdict.get("check")))
    words = {"not_run": "Not asked", "unknown": "Not to be judged"}
    return [
        f"{words[outcome]}: {', '.join(dict.fromkeys(names))}: {message}."
        for (outcome, message), names in reasons.items()
    ]


def proofs_of(record: JSON) -> list[JSON]:
    """The lines that the history will have of this run, from a record of any shape."""
    proofs = []
    for scenario in rows(record, "scenarios"):
        backup = part(scenario, "backup")
        of_check = {str(v.get("check")): v for v in rows(scenario, "verdicts")}
        timed, age = (part(of_check, c) for c in (registry.RECOVERY_TIME, registry.DATA_LOSS))
        proofs.append(
            {
                "finished_at": record.get("finished_at"),
                "artefact": backup.get("artefact"),
                "outcome": scenario.get("outcome"),
                "recovery_time_s": None
                if timed.get("outcome") == "unknown"
                else timed.get("actual"),
                "recovery_limit_s": timed.get("limit"),
                "data_loss_s": age.get("actual"),
                "coverage": part(scenario, "coverage").get("share"),
                "bytes": backup.get("bytes"),
            }
        )
    return proofs


def view_of(record: JSON) -> JSON | None:
    """All that the page shows of such a run; None for any other."""
    if not is_own(record):
        return None
    scenarios = rows(record, "scenarios")
    return {
        "of": owner_of(record),
        "coverage": coverage_card(record),
        "alone": any(compared_alone(s) is not None for s in scenarios),
        "age": age_card(record),
        "tried": tried_card(record),
        "proofs": [
            {
                "key": f"c{i}",
                "title": title_of(scenario, record.get("started_at")),
                "outcome": scenario.get("outcome"),
                "share": share(part(scenario, "coverage").get("share")),
                "picture": coverage_chart(counts_of(scenario), f"c{i}"),
                "total": sum_of(counts_of(scenario)),
                "counts": counts_of(scenario),
                "alone": compared_alone(scenario),
                "fingerprint": fingerprint_of([scenario], "the backup"),
                "bracketed": is_bracketed(scenario),
                "legend": legend_of(scenario),
                "recordings": recordings(scenario),
                "phases": rows(scenario, "recovery_phases"),
                "moved": moved_sentences(scenario),
                "gaps": not_compared(scenario),
            }
            for i, scenario in enumerate(scenarios, 1)
        ],
    }
