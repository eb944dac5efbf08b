"""A run that proved the user's own backups, in words: headline, cards, what was and was not compared.

Everything here is read from the record; a record of any other run has no such part.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.evidence.own_backups import OLD, SLOW
from chromadrill.evidence.report.coverage_chart import coverage_chart
from chromadrill.evidence.report.coverage_counts import counts_of, sum_of, total_of
from chromadrill.evidence.report.formatting import (
    count,
    duration,
    moment,
    number,
    one_line,
    part,
    rows,
    share,
    size,
    text_of,
    texts,
)

# of a backup between two recordings, as `legend_of` has it
LEGEND = (
    ("proven", "right", "proven exactly",
     "the same in both recordings, and exactly so in the backup."),
    ("moved", "timeout", "changed meanwhile",
     "clients wrote while the backup was taken, and what it holds is explained by that."),
    ("unseen", "unwatched", "in no recording",
     "they came and went between the recordings, so nothing can be said of them."),
    ("unexplained", "error", "damaged",
     "they were the same before and after, and are missing or different in the backup."),
)  # fmt: skip
LONGEST_REASON = 160  # characters, of why a check was not asked
_WRONG = ("lost", "altered", "extra")
VERDICTS = {"pass": "proven", "fail": "NOT PROVEN", "unknown": "could not tell"}


def is_own(record: JSON) -> bool:
    """Whether every scenario of the run proved a backup that somebody named: of a source, or a path."""
    scenarios = rows(record, "scenarios")
    return bool(scenarios) and all(_is_named(part(s, "backup")) for s in scenarios)


def _is_named(backup: JSON) -> bool:
    return bool(backup.get("source") or backup.get("original"))


def sources_of(record: JSON) -> set[str]:
    """The names of the sources whose backups were proven; none for a run of any other kind."""
    backups = [part(s, "backup") for s in rows(record, "scenarios") if is_own(record)]
    return {str(backup["source"]) for backup in backups if backup.get("source")}


def name_of(scenario: JSON) -> str:
    """ "production's backup", or "backup chroma_db" of a path that nobody gave a name."""
    backup = part(scenario, "backup")
    source = text_of(backup.get("source"), "")
    if source and "/" not in source and "\\" not in source:
        return f"{source}'s backup"
    return f"backup {PurePath(source or text_of(backup.get('original'), 'without a name')).name}"


def title_of(scenario: JSON, started_at: Any) -> str:
    """ "production's backup of 02:00 UTC, 1.2 GB"; the day is named where it is not the run's."""
    backup = part(scenario, "backup")
    made, start = moment(_made(backup)), moment(started_at)
    if made is None:
        name = f"{name_of(scenario)} {text_of(backup.get('artefact'), '')}".rstrip()
    else:
        day = "" if start and made.date() == start.date() else f"{made:%d %b %Y}, ".lstrip("0")
        name = f"{name_of(scenario)} of {day}{made:%H:%M} UTC"
    return name if number(backup.get("bytes")) is None else f"{name}, {size(backup['bytes'])}"


def _made(backup: JSON) -> Any:
    """When it was made: by its manifest or its source, else by its newest file."""
    return backup.get("created_at") or backup.get("newest_file_at")


def compared_alone(scenario: JSON) -> int | None:
    """Records that were compared with the fingerprint beside the backup; None where there was none.

    "records (served)" is another check: of the served copy with the backup's own files.
    """
    judged = [
        v
        for v in rows(scenario, "verdicts")
        if v.get("check") == registry.RECORDS and v.get("outcome") in ("pass", "fail")
    ]
    if part(scenario, "coverage") or not judged:
        return None
    return int(max(number(v.get("actual")) or 0 for v in judged))


def headline_text(record: JSON, kind: str, plain: str) -> str:
    """What the page says first of such a run; `kind` is the verdict on all of it.

    `plain`: the same of any other run. It stays before a backup that was named by its path.
    """
    scenarios = rows(record, "scenarios")
    if not sources_of(record):
        titles = [title_of(scenario, record.get("started_at")) for scenario in scenarios]
        return f"{plain}: {'; '.join(titles)}"
    verdict = VERDICTS.get(kind, VERDICTS["unknown"])
    if kind == "fail" and (late := _whole_but(scenarios)):
        verdict = late
    if len(scenarios) == 1:
        return f"{title_of(scenarios[0], record.get('started_at'))}, {verdict}"
    of_kind = [s for s in scenarios if s.get("outcome") == kind] or scenarios
    many = f"{len(scenarios)} of {owner_of(record)}"
    return f"{f'{len(of_kind)} of ' if len(of_kind) < len(scenarios) else ''}{many}, {verdict}"


def _whole_but(scenarios: Sequence[JSON]) -> str:
    """ "whole, but too old" where nothing but a limit of time failed; "" else."""
    verdicts = [v for scenario in scenarios for v in rows(scenario, "verdicts")]
    failed = {str(v.get("check")) for v in verdicts if v.get("outcome") == "fail"}
    is_open = any(v.get("outcome") == "unknown" for v in verdicts)
    words = {SLOW: "too slow", OLD: "too old"}
    if is_open or not failed or not failed <= words.keys():
        return ""
    return f"whole, but {' and '.join(words[check] for check in words if check in failed)}"


def owner_of(record: JSON) -> str:
    """ "production's backups", "backup chroma_db", or "backups" of several sources."""
    names = {name_of(scenario) for scenario in rows(record, "scenarios")}
    if len(names) > 1:
        return "backups"
    name = names.pop()
    return f"{name}s" if name.endswith("'s backup") else name


def sentence(record: JSON, kind: str) -> str:
    """What was done and found, for who has never heard of the database."""
    scenarios = rows(record, "scenarios")
    one = len(scenarios) == 1
    many = "It was" if one else "Each was"
    done = f"{many} fetched, started as a server of its own, and asked for every record"
    total = total_of(scenarios)
    alone = [n for scenario in scenarios if (n := compared_alone(scenario)) is not None]
    if total.total == 0 and kind == "pass" and alone:
        beside = "by the fingerprint beside it" if one else "by the fingerprints beside them"
        return f"{done}: all {count(sum(alone))} are exactly what they were, {beside}."
    if total.total == 0 and kind == "fail":
        return f"{done}. Not all of it is as it was."
    if total.total == 0:
        sound = ": in itself it is sound" if _is_sound(scenarios) else ""
        return f"{done}{sound}. There was no recording and no fingerprint to compare it with."
    if total.unexplained:
        wrong = f"{count(total.unexplained)} of {count(total.total)}"
        return f"{done}: {wrong} are not what they were, and nothing explains it."
    if kind == "fail" and not _whole_but(scenarios):
        return f"{done}. Not all of it is as it was."
    text = f"{done}: {share(total.share)} of {count(total.total)} are exactly what they were"
    changed = total.moved + total.unseen
    if kind == "unknown":
        return f"{text}. What is left open proves nothing either way."
    if not changed:
        return f"{text}, and none is missing."
    rest = f"the other {count(changed)} changed while the backup was taken"
    if total.unseen:
        return f"{text}; {rest}, {count(total.unseen)} of them unseen by any recording."
    return f"{text}; {rest}, and each change is explained. None is missing."


def _is_sound(scenarios: Sequence[JSON]) -> bool:
    """Whether the files of every backup fit each other, by the checks that need nothing beside it."""
    passed = [
        {str(v.get("check")) for v in rows(s, "verdicts") if v.get("outcome") == "pass"}
        for s in scenarios
    ]
    return all({"integrity", "structure"} <= checks for checks in passed)


def coverage_card(record: JSON) -> tuple[str, str, bool | None]:
    """Value, note, and whether it is good (None: not known): the lowest coverage of the run."""
    covered = [s for s in rows(record, "scenarios") if part(s, "coverage")]
    shares = [(number(s["coverage"].get("share")), s) for s in covered]
    known = [(value, scenario) for value, scenario in shares if value is not None]
    alone = [n for s in rows(record, "scenarios") if (n := compared_alone(s)) is not None]
    if not known and alone:
        summary = part(record, "summary")
        wrong = sum(number(summary.get(f"records_{kind}")) or 0 for kind in _WRONG)
        note = f"of {count(sum(alone))} records, by the fingerprint beside the backup"
        return f"{count(wrong)} lost or altered", note, not wrong
    if not known:
        return "not measured", "no recording, no fingerprint to compare with", None
    value, scenario = min(known, key=lambda pair: pair[0])
    total, limit = sum_of(counts_of(scenario)), number(scenario["coverage"].get("limit_percent"))
    note = f"{count(total.proven)} of {count(total.total)} records proven exactly"
    if total.unexplained:
        note += f"; {count(total.unexplained)} damaged"
    note += f"; at least {limit:g} % are asked for" if limit is not None else ""
    note += f" (the lowest of {len(known)})" if len(known) > 1 else ""
    good = not total.unexplained and (limit is None or 100 * value >= limit)
    return share(value), note, good


def age_card(record: JSON) -> tuple[str, str] | None:
    """How old the newest backup of the run was, where its age was not judged; None else."""
    started = moment(record.get("started_at"))
    times = [moment(_made(part(s, "backup"))) for s in rows(record, "scenarios")]
    made = [time for time in times if time is not None]
    if started is None or not made or max(made) > started:
        return None
    age_s = (started - max(made)).total_seconds()
    why = "it is not the newest backup of its source" if sources_of(record) else "it is a path"
    return duration(age_s), f"not judged: {why}"


def tried_card(record: JSON) -> tuple[str, str, bool | None]:
    """ "3 of 14": of the backups that the sources list, how many were ever tried."""
    artefacts = [a for s in rows(record, "sources") for a in rows(s, "artefacts")]
    if not artefacts:
        return (
            count(len(rows(record, "scenarios"))),
            "in this run; there is no list of others",
            None,
        )
    tried = [a for a in artefacts if a.get("outcome")]
    bad = [a for a in tried if a.get("outcome") != "pass"]
    never = len(artefacts) - len(tried)
    note = f"{len(tried) - len(bad)} proven"
    note += f", {len(bad)} not proven" if bad else ""
    note += f"; {never} never tried" if never else "; none is left untried"
    # an older backup that failed is no failure of this run: the table of the auditor names it
    return f"{len(tried)} of {len(artefacts)}", note, None if bad else True


def recordings(scenario: JSON) -> list[tuple[str, Any]]:
    """The moments of a proof in their order: what, and when (ISO 8601; None for not recorded)."""
    coverage, backup = part(scenario, "coverage"), part(scenario, "backup")
    before, after = part(coverage, "before"), part(coverage, "after")
    owner = text_of(backup.get("source"), "the database")
    owner = owner if "/" not in owner else "the database"
    if compared_alone(scenario) is not None:
        return [
            ("the backup is taken, with a fingerprint beside it", _made(backup)),
            ("it is fetched and tried here", scenario.get("started_at")),
        ]
    again = (f"{owner} recorded again", after.get("taken_at"))
    fetched = ("the backup is fetched and tried here", scenario.get("started_at"))
    # one that was taken of the live database for this run came after the fetching
    last = [fetched, (f"{again[0]}, live", again[1])] if after.get("live") else [again, fetched]
    return [
        (f"{owner} recorded", before.get("taken_at")),
        ("the backup is taken", _made(backup)),
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
        found.append(
            f"{count(total.moved)} records changed between the two recordings: clients went on"
            " writing. Of each the backup holds a version that was right in that time, or it was"
            " rightly not there yet or no longer."
        )
    if total.unseen:
        found.append(
            f"{count(total.unseen)} records are in the backup and in neither recording: they came"
            " and went in between. Nothing can be said of their content."
        )
    if total.total and not found:
        found.append("Nothing changed between the two recordings: all of it could be compared.")
    return found


def not_compared(scenario: JSON) -> list[str]:
    """What this proof does not say, each in a sentence."""
    return [*_recordings_missing(scenario), *_checks_missing(rows(scenario, "verdicts"))]


def _recordings_missing(scenario: JSON) -> list[str]:
    coverage, changed = part(scenario, "coverage"), sum_of(counts_of(scenario)).moved
    if is_bracketed(scenario):
        gap = f"The exact content of the {count(changed)} records that changed: only that it is one"
        return [f"{gap} of their versions."] if changed else []
    if compared_alone(scenario) is not None:
        return []
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
                "recovery_time_s": timed.get("actual"),
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
