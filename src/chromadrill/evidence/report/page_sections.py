"""The parts of the page: what is shown of a scenario, of an objective, and what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.core.plural import plural
from chromadrill.evidence.report import charts, formatting, headline, own_backup
from chromadrill.evidence.report.formatting import days, moment, number, part, rows, text_of, texts
from chromadrill.evidence.report.prober import prober_line
from chromadrill.evidence.report.timeline import outage, spans, windows

# what an auditor asks for: key, where it lies, and how to say that it is missing
WANTED = (
    ("", "operator", "who ran the drill"),
    ("", "witness", "who witnessed it"),
    ("", "approver", "who approved it"),
    ("", "trigger", "why it ran"),
    ("", "objectives", "the objectives"),
    ("", "contacts", "whom to call"),
    ("", "exceptions", "exceptions"),
    ("", "remediation", "remediation"),
    ("", "provenance", "the version of the code that ran"),
    ("", "artifacts", "hashes of the raw files"),
    ("", "versions", "versions"),
    ("", "started_at", "when it started"),
    ("", "finished_at", "when it finished"),
    ("", "cleanup", "whether it cleaned up"),
    ("summary", "forecast", "a forecast at production size"),
    ("scenarios", "backup", "the backup's origin"),
    ("scenarios", "client", "what clients saw"),
)
# a backup of true size needs no forecast, and no client uses the copy that was made to prove it
NO_QUESTION_OF_OWN = ("forecast", "client")
MOST_TRIED = 30  # rows of backups that are shown at once


def missing(record: JSON) -> list[str]:
    """What an auditor would ask for and this record does not say."""
    gaps = []
    is_own = own_backup.is_own(record)
    for where, name, description in WANTED:
        if is_own and name in NO_QUESTION_OF_OWN:
            continue
        if where == "scenarios":
            # a scenario without a backup restores none (RB-1); none at all is a question
            is_recorded = any(scenario.get(name) for scenario in rows(record, where))
        else:
            holder = part(record, where) if where else record
            # an empty list of exceptions is an answer; no list is none
            is_recorded = holder.get(name) not in (None, "", {}) and name in holder
        if not is_recorded:
            gaps.append(description)
    return gaps


def digest(artifacts: Sequence[JSON]) -> str | None:
    """SHA-256 of the list as `sha256sum` writes it: a printed page pins every raw file by it."""
    if not artifacts:
        return None
    lines = "".join(f"{file.get('sha256')}  {file.get('path')}\n" for file in artifacts)
    return hashlib.sha256(lines.encode()).hexdigest()


def view_of(scenario: JSON, key: str) -> JSON:
    """What the page shows of a scenario. `key` makes its ids unique on the page."""
    verdicts = rows(scenario, "verdicts")
    timed = next((v for v in verdicts if v.get("check") == registry.RECOVERY_TIME), {})
    took = scenario.get("recovery_time_s", timed.get("actual"))
    never = took is None and timed.get("outcome") == "fail"
    # a time in which nothing came back that is proven
    void = took is not None and timed.get("outcome") == "unknown"
    backup = part(scenario, "backup")
    return {
        **scenario,
        "key": key,
        "outcome": scenario.get("outcome")
        if scenario.get("outcome") in formatting.OUTCOMES
        else None,
        "took": "never" if never else headline.VOID if void else took,
        "limit": timed.get("limit"),
        "spans": spans(scenario),
        "verdicts": verdicts,
        "bad": [v for v in verdicts if v.get("outcome") in ("fail", "unknown")],
        "passed": sum(v.get("outcome") == "pass" for v in verdicts),
        "skipped": [text_of(v.get("check")) for v in verdicts if v.get("outcome") == "not_run"],
        "commands": rows(scenario, "commands"),
        "backup": backup,
        "no_backup": "backup" in scenario and scenario["backup"] is None,
        "disaster": part(scenario, "disaster"),
        "load": part(scenario, "load"),
        "prober": prober_line(scenario),
        "next": part(scenario, "next_step").get("command"),
        "later": _later(scenario),
        "outage": outage(scenario),
        "log": str(scenario.get("log_tail") or "").splitlines(),
        "picture": charts.timeline(scenario, f"{key}-timeline"),
        "differences": [
            {**d, "check": v.get("check"), "ids": texts(d, "ids"), "examples": _examples(d)}
            for v in verdicts
            for d in rows(v, "differences")
        ],
    }


def _later(scenario: JSON) -> bool:
    """Whether clients saw errors or wrong answers again after the recovery."""
    back = number(scenario.get("recovered_s"))
    return back is not None and any(
        result != "right" and start >= back for start, _, result in windows(scenario)
    )


def _examples(difference: JSON) -> list[list[Any]]:
    examples = difference.get("examples")
    triples = examples if isinstance(examples, list) else []
    return [list(row) for row in triples if isinstance(row, list | tuple) and len(row) == 3]


def action_of(record: JSON) -> JSON | None:
    """What on-call does now: the first bad check, what it means, the next command, whom to call."""
    scenario = headline.focus(record)
    if scenario is None:
        return None
    check = headline.first_bad(scenario) or {}
    step = part(scenario, "next_step")
    order = next(i for i, s in enumerate(rows(record, "scenarios"), 1) if s is scenario)
    return {
        "scenario": view_of(scenario, "now"),
        "same": f"s{order}",
        "check": check.get("check"),
        "outcome": check.get("outcome", scenario.get("outcome")),
        "message": check.get("message") or scenario.get("error"),
        "actual": check.get("actual"),
        "limit": check.get("limit"),
        "unit": check.get("unit"),
        "meaning": step.get("meaning"),
        "step": step.get("command"),
        "restore": restore_sentence(step, record.get("finished_at")),
    }


def restore_sentence(step: JSON, at: Any) -> str:
    """The newest backup that is known to be sound, for who must restore now; "" where none is known.

    `at`: when the run ended.
    """
    sound = part(step, "restore")
    if not sound:
        return ""
    text = f"{text_of(sound.get('id'))}, made {formatting.when(sound.get('created_at'))}"
    proven, ended = moment(sound.get("proven_at")), moment(at)
    if proven and ended and ended >= proven:
        text += (
            f", proven {formatting.days((ended - proven).total_seconds())} before this run ended"
        )
    known = number(sound.get("coverage"))
    return text if known is None else f"{text}, {formatting.share(known)} exactly"


def sources(record: JSON) -> list[JSON]:
    """Each source with its backups, the newest first: name, sentence, the first rows and the rest."""
    views = []
    for source in rows(record, "sources"):
        artefacts = rows(source, "artefacts")
        # a try stands on the first screen, however old the backup is
        newest = sorted(artefacts, key=lambda a: text_of(a.get("created_at"), ""), reverse=True)
        rest = [a for a in newest[MOST_TRIED:] if not a.get("outcome")]
        views.append(
            {
                "name": text_of(source.get("name")),
                "sentence": _tried(artefacts),
                "first": [a for a in newest if a not in rest],
                "rest": rest,
            }
        )
    return views


def fleet(record: JSON) -> list[JSON]:
    """Every source, with `overdue`: the time that is allowed, where its last proof is older."""
    ended = moment(record.get("finished_at"))
    views = []
    for source in rows(record, "fleet"):
        proven, within_s = (
            moment(source.get("last_proven_at")),
            number(source.get("proven_within_s")),
        )
        is_overdue = (
            ended is not None
            and within_s is not None
            and (proven is None or (ended - proven).total_seconds() > within_s)
        )
        views.append({**source, "overdue": days(within_s) if is_overdue else None})
    return views


def _tried(artefacts: Sequence[JSON]) -> str:
    """ "Of 14 backups that the source lists, 3 were tried: 2 proven, 1 not proven. ..." """
    tried = sum(1 for a in artefacts if a.get("outcome"))
    if not artefacts:
        return "The source lists no backup."
    ends = own_backup.ends_of(artefacts)
    never = len(artefacts) - tried
    were = "was" if tried == 1 else "were"
    text = f"Of {plural(len(artefacts), 'backup')} that the source lists, {tried} {were} tried"
    text += f": {ends}." if ends else "."
    if never:
        text += f" {never} {'was' if never == 1 else 'were'} never tried."
    if again := sum(1 for a in artefacts if a.get("outcome") and a.get("unknown_at")):
        text += f" A later try of {again} could not tell, and changes nothing."
    return text


def slowest(record: JSON) -> JSON | None:
    """The scenario whose recovery came nearest to its limit."""
    timed = [view_of(scenario, "slowest") for scenario in rows(record, "scenarios")]
    timed = [s for s in timed if number(s["took"]) is not None and number(s["limit"])]
    return max(timed, key=lambda s: float(s["took"] / s["limit"]), default=None)


def objectives(record: JSON) -> list[JSON]:
    """Each objective with the outcome of what measured it; undrilled is unknown."""
    table = []
    for objective in rows(record, "objectives"):
        scenarios = [s for s in rows(record, "scenarios") if _concerns(objective, s)]
        outcomes = [met for scenario in scenarios if (met := _met(objective, scenario))]
        worst: str | None = next((o for o in ("fail", "unknown") if o in outcomes), None)
        worst = worst or ("pass" if set(outcomes) == {"pass"} else None)
        counts = {"drilled": len(outcomes), "passed": outcomes.count("pass")}
        controls = texts(objective, "controls")
        table.append({**objective, **counts, "controls": controls, "outcome": worst})
    return table


def _concerns(objective: JSON, scenario: JSON) -> bool:
    """Whether the objective is for this scenario: by its runbook id, or "any" by its check."""
    if objective.get("id") != "any":
        return bool(scenario.get("runbook") == objective.get("id"))
    check = text_of(objective.get("check"))
    return any(
        registry.same_limit(text_of(v.get("check")), check) for v in rows(scenario, "verdicts")
    )


def _met(objective: JSON, scenario: JSON) -> str | None:
    """The outcome of its check, else the scenario's own; None where that passed without its check.

    Records that name no check for an objective are matched by the limit.
    """
    limit, unit, check = (objective.get(key) for key in ("limit", "unit", "check"))
    limit = number(limit)
    outcomes = [
        v.get("outcome")
        for v in rows(scenario, "verdicts")
        if (
            registry.same_limit(text_of(v.get("check")), check)
            if isinstance(check, str)
            else limit is not None and number(v.get("limit")) == limit and v.get("unit") == unit
        )
    ]
    if not outcomes:
        if isinstance(check, str) and scenario.get("outcome") == "pass":
            return None
        outcomes = [scenario.get("outcome")]
    return next((o for o in ("fail", "unknown", "pass") if o in outcomes), "unknown")
