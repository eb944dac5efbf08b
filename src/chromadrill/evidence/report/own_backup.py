"""A run that proved backups of the user's own, in words: its headline, one sentence, its cards.

Everything here is read from the record; a record of any other run has no such part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.evidence.own_backups import FETCH, OLD, SAME_CONTENT, SLOW
from chromadrill.evidence.report.coverage_counts import counts_of, sum_of, total_of
from chromadrill.evidence.report.formatting import (
    count,
    duration,
    moment,
    number,
    part,
    rows,
    share,
    size,
    text_of,
)

_WRONG = ("lost", "altered", "extra")
NONE_MISSING = "None that should be there is missing."
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
    made, start = moment(made_at(backup)), moment(started_at)
    if made is None:
        name = f"{name_of(scenario)} {text_of(backup.get('artefact'), '')}".rstrip()
    else:
        day = "" if start and made.date() == start.date() else f"{made:%d %b %Y}, ".lstrip("0")
        name = f"{name_of(scenario)} of {day}{made:%H:%M} UTC"
    return name if number(backup.get("bytes")) is None else f"{name}, {size(backup['bytes'])}"


def made_at(backup: JSON) -> Any:
    """When it was made: by its manifest or its source, else by its newest file."""
    return backup.get("created_at") or backup.get("newest_file_at")


def compared_alone(scenario: JSON) -> int | None:
    """Records that were compared with the fingerprint taken with the backup; None where there was none.

    "records (served)" is another check: of the served copy with the backup's own files. Of an export,
    whose fingerprint is sealed in it, it is the comparison.
    """
    exported = is_export(scenario)
    judged = [
        v
        for v in rows(scenario, "verdicts")
        if v.get("outcome") in ("pass", "fail")
        and (registry.plain_name(str(v.get("check"))) if exported else v.get("check"))
        == registry.RECORDS
    ]
    if part(scenario, "coverage") or not judged:
        return None
    return int(max(number(v.get("actual")) or 0 for v in judged))


def is_export(scenario: JSON) -> bool:
    """Whether the backup is an export, which is compared with the fingerprint that is sealed in it."""
    return part(scenario, "backup").get("method") == "export"


def fingerprint_of(scenarios: Sequence[JSON], backup: str = "it") -> str:
    """ "the fingerprint beside it"; of exports, the one that was sealed in them."""
    sealed = [is_export(scenario) for scenario in scenarios]
    if all(sealed):
        export = "the export when it was" if len(sealed) == 1 else "the exports when they were"
        return f"the fingerprint{'s' * (len(sealed) > 1)} sealed in {export} taken"
    if any(sealed):
        return "the fingerprints taken with them"
    return (
        f"the fingerprint beside {backup}" if len(sealed) == 1 else "the fingerprints beside them"
    )


def proven_before(scenario: JSON) -> str:
    """The message of the check that its content is what was proven before; "" where it was not asked."""
    verdicts = rows(scenario, "verdicts")
    same = [v for v in verdicts if v.get("check") == SAME_CONTENT and v.get("outcome") == "pass"]
    return text_of(same[0].get("message")) if same else ""


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
        compared = f"compared with {fingerprint_of(scenarios)}"
        return f"{done}: all {count(sum(alone))} are exactly what they were, {compared}."
    again = [message for scenario in scenarios if (message := proven_before(scenario))]
    if total.total == 0 and kind == "pass" and again:
        return f"{done}: {again[0]}."
    if total.total == 0 and kind == "fail":
        return f"{done}. Not all of it is as it was."
    if total.total == 0 and (cut := _cut_short(scenarios)):
        return cut
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
    if total.in_between is None:
        return f"{text}; {rest}, and nothing can check their content. {NONE_MISSING}"
    if strange := total.in_between + total.unseen:
        rest += f", {count(strange)} of them to what neither recording has: nothing can check that"
        return f"{text}; {rest}. {NONE_MISSING}"
    known = "each is as one of the two recordings has it, or came or went"
    return f"{text}; {rest}, and {known}. {NONE_MISSING}"


def _cut_short(scenarios: Sequence[JSON]) -> str:
    """That nothing was judged of what a backup holds, since it never came or the try did not end."""
    one = len(scenarios) == 1
    checks = {
        str(v.get("check"))
        for scenario in scenarios
        for v in rows(scenario, "verdicts")
        if v.get("outcome") == "unknown"
    }
    if FETCH in checks:
        it = "it" if one else "one of them"
        return f"Nothing is said of what {it} holds: {it} could not be had."
    if any(scenario.get("error") for scenario in scenarios):
        return "The try was cut short: what the backup holds was not judged."
    return ""


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
        covered = [s for s in rows(record, "scenarios") if compared_alone(s) is not None]
        fingerprint = fingerprint_of(covered, "the backup")
        note = f"of {count(sum(alone))} records, compared with {fingerprint}"
        return f"{count(wrong)} lost or altered", note, not wrong
    again = [m for s in rows(record, "scenarios") if (m := proven_before(s))]
    if not known and again:
        return "as proven before", again[0], True
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
    times = [moment(made_at(part(s, "backup"))) for s in rows(record, "scenarios")]
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
    note = ends_of(artefacts) or "none proven"
    note += f"; {never} never tried" if never else "; none is left untried"
    # an older backup that failed is no failure of this run: the table of the auditor names it
    return f"{len(tried)} of {len(artefacts)}", note, None if bad else True


def ends_of(artefacts: Sequence[JSON]) -> str:
    """ "2 proven, 1 not proven": of those that were tried, how the try that counts ended."""
    outcomes = Counter(str(a["outcome"]) for a in artefacts if a.get("outcome"))
    words = {"pass": "proven", "fail": "not proven", "unknown": "not to be judged"}
    return ", ".join(f"{outcomes[key]} {words[key]}" for key in words if outcomes[key])
