"""The user's own backups in a record: coverage of a proof, what was tried of a source, the fleet.

Read from the notes `backup`, `coverage`, `source` and `fleet` of the ledger. A ledger of an older
release has none of them, and none are in its record.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chromadrill.core.model import JSON, Outcome

COUNTS = ("proven", "moved", "unseen", "unexplained")
IN_BETWEEN = "in_between"  # of those that moved; None where nobody counted them
FETCH = "fetch"  # a backup that could not be had
SAME_CONTENT = "same content"  # byte for byte what was proven before
SLOW, OLD = "recovery time", "data loss"  # of a backup that is whole: late, or stale
# what a missing recording leaves open
_OF_RECORDINGS = ("inventory", "counts", "records", "configuration", "coverage")
_TRIED = ("proven_at", "outcome", "coverage")


def coverage_of(mine: Sequence[JSON]) -> JSON | None:
    """What was proven between two recordings in one scenario; None where nothing was so compared.

    {share (0 to 1), limit_percent, collections: {key: {proven, moved, unseen, unexplained,
    in_between}}, before, after}. `in_between` (of those that moved, how many are in the backup in a
    version of neither recording): None in a ledger of an older release. `before` and `after` are the
    recordings: {taken_at, live}, None for one that is missing.
    """
    note = next((e for e in reversed(mine) if e["event"] == "coverage"), None)
    if note is None:
        return None
    collections = note.get("collections") or {}
    return {
        "share": note.get("share"),
        "limit_percent": note.get("limit_percent"),
        "collections": {
            key: {
                **{name: int(counts.get(name) or 0) for name in COUNTS},
                IN_BETWEEN: counts.get(IN_BETWEEN),
            }
            for key, counts in collections.items()
        },
        "before": _recording(note.get("before")),
        "after": _recording(note.get("after")),
    }


def _recording(raw: Mapping[str, Any] | None) -> JSON | None:
    if not raw or not raw.get("taken_at"):
        return None
    return {"taken_at": raw["taken_at"], "live": bool(raw.get("live"))}


def missing_recordings(mine: Sequence[JSON]) -> list[str]:
    """Why there is no recording before or after the backup, in sentences; [] where there are both."""
    note = next((e for e in reversed(mine) if e["event"] == "recordings"), {})
    return [str(why) for why in note.get("why") or ()]


def recovery_phases(mine: Sequence[JSON]) -> list[JSON]:
    """What the recovery time is made of, {name, seconds} each; [] where nobody told."""
    note = next((e for e in reversed(mine) if e["event"] == "recovered"), {})
    phases = note.get("phases") or {}
    return [{"name": name, "seconds": seconds} for name, seconds in phases.items()]


def proof_outcome(scenario: JSON) -> str:
    """Whether this backup comes back whole and in time. An old backup's age is not its fault."""
    others = [v["outcome"] for v in scenario["verdicts"] if v["check"] != OLD]
    if scenario["outcome"] != Outcome.FAIL or Outcome.FAIL in others:
        return str(scenario["outcome"])
    return str(Outcome.merge(Outcome(outcome) for outcome in others))


def lowest_share(scenarios: Iterable[JSON]) -> float | None:
    """The lowest coverage of all scenarios; None where none has one."""
    shares = [s["coverage"]["share"] for s in scenarios if s.get("coverage")]
    return min((share for share in shares if share is not None), default=None)


def sources_of(events: Sequence[JSON], scenarios: Sequence[JSON]) -> list[JSON]:
    """Each source with all artefacts that it lists, and how the try that counts of each of them ended.

    The tries of this run are the last ones. One that could not tell hides no failure, nor a proof where
    it saw nothing of the backup: it is `unknown_at`. `outcome` None: never tried.
    """
    listed: dict[str, list[JSON]] = {}
    for event in events:
        # the source of a rebuild has a note of that name too, and no artefacts
        if event["event"] == "source" and "artefacts" in event:
            keys = ("id", "created_at", "bytes", *_TRIED, "unknown_at")
            artefacts = event.get("artefacts") or ()
            listed[event["name"]] = [{key: a.get(key) for key in keys} for a in artefacts]
    for tried in _tries(events, scenarios):
        artefacts = listed.get(tried["source"])
        if artefacts is None:
            continue
        known = next((a for a in artefacts if a["id"] == tried["id"]), None)
        if known is None:
            keys = ("id", "created_at", "bytes", *_TRIED, "unknown_at")
            known = {**dict.fromkeys(keys), "id": tried["id"]}
            artefacts.append(known)
        if _hides(tried, known["outcome"]):
            known["unknown_at"] = tried["proven_at"]
        else:
            # of one that is byte for byte what was proven before, the coverage of then stays
            known.update({key: tried[key] for key in _TRIED if tried[key] is not None})
            known["unknown_at"] = None
        for key in ("created_at", "bytes"):
            known[key] = tried[key] if known[key] is None else known[key]
    return [{"name": name, "artefacts": artefacts} for name, artefacts in listed.items()]


def fleet_of(events: Sequence[JSON], scenarios: Sequence[JSON]) -> list[JSON]:
    """Every configured source: when a restore of it was last proven, and when it was last tried.

    Of several tries in this run the worst is the last outcome. A failure of the backup that was proven
    last takes its proof back; the newest other one that this record knows of stands.
    """
    note = next((e for e in reversed(events) if e["event"] == "fleet"), None)
    keys = ("proven_within_s", "last_proven_at", "coverage", "last_tried_at", "last_outcome")
    sources = {
        source["name"]: {"name": source["name"], **{key: source.get(key) for key in keys}}
        for source in (note or {}).get("sources") or ()
    }
    listed = {one["name"]: one["artefacts"] for one in sources_of(events, scenarios)}
    tries = _tries(events, scenarios)
    for name, source in sources.items():
        mine = [tried for tried in tries if tried["source"] == name]
        if not mine:
            continue
        outcomes = [Outcome(tried["outcome"]) for tried in mine]
        source |= {
            "last_tried_at": max(str(tried["proven_at"] or "") for tried in mine) or None,
            "last_outcome": str(Outcome.merge(outcomes)),
            **_last_proof(source, mine, _listed_first(events, name), listed.get(name, [])),
        }
    return list(sources.values())


def _last_proof(
    source: JSON, tries: Sequence[JSON], first: Sequence[JSON], listed: Sequence[JSON]
) -> JSON:
    """When a restore of `source` was last proven, and its coverage, after the `tries` of this run.

    `first`: its artefacts as they were listed before. `listed`: the same after the tries.
    """
    at, coverage = source["last_proven_at"], source["coverage"]
    proven = [
        (t["proven_at"], coverage if t["coverage"] is None else t["coverage"])
        for t in tries
        if t["outcome"] == Outcome.PASS
    ]
    failed = {tried["id"] for tried in tries if tried["outcome"] == Outcome.FAIL}
    if any(a["id"] in failed and a.get("proven_at") == at for a in first):
        proven += [(a["proven_at"], a["coverage"]) for a in listed if a["outcome"] == Outcome.PASS]
    else:
        proven.append((at, coverage))
    last = max(proven, key=lambda proof: str(proof[0] or ""), default=(None, None))
    return {"last_proven_at": last[0], "coverage": last[1]}


def _listed_first(events: Sequence[JSON], name: str) -> Sequence[JSON]:
    """The artefacts of the source `name` as its first note in this run lists them."""
    notes = (e for e in events if e["event"] == "source" and e.get("name") == name)
    note = next((e for e in notes if "artefacts" in e), {})
    return list(note.get("artefacts") or ())


def _hides(tried: JSON, outcome: str | None) -> bool:
    """Whether a try that could not tell would hide how an earlier one ended."""
    if tried["outcome"] != Outcome.UNKNOWN or outcome is None:
        return False
    return outcome == Outcome.FAIL or (outcome == Outcome.PASS and tried["is_unseen"])


def next_step_of(scenario: JSON, sources: Sequence[JSON]) -> JSON | None:
    """What to do about a backup of a source that is not proven; the scenario's own step where it fits.

    A damaged backup is no damaged server: an older one is tried, and no server is validated.
    """
    step: JSON | None = scenario["next_step"]
    backup: JSON = scenario.get("backup") or {}
    source = backup.get("source")
    if backup.get("original") and not source:
        return _next_step_of_path(step, scenario)
    if not source or not step:
        return step
    name = shlex.quote(str(source))
    again = f" --pick {shlex.quote(str(backup['artefact']))}" if backup.get("artefact") else ""
    if step["check"] == OLD:
        meaning = "The newest backup is older than agreed: has the backup job run?"
        return {**step, "meaning": meaning, "command": f"chromadrill posture --store {name}"}
    if step["check"] == SLOW:
        meaning = "It takes longer than agreed to have this backup back; its parts say where."
        return {**step, "meaning": meaning, "command": f"chromadrill prove {name}{again}"}
    if step["check"] == FETCH:  # it was not seen at all: no recording would help
        return {**step, "command": f"chromadrill prove {name}{again}"}
    if scenario["outcome"] == Outcome.UNKNOWN:
        coverage = scenario.get("coverage") or {}
        is_bracketed = bool(coverage.get("before") and coverage.get("after"))
        if is_bracketed or step["check"] not in _OF_RECORDINGS:
            return step
        meaning = (
            "No recordings lie around this backup: changes cannot be told from damage. Record before"
            " and after each backup; then prove the next."
        )
        return {**step, "meaning": meaning, "command": f"chromadrill record --backup {name}"}
    mine = backup.get("artefact")
    others = [a for s in sources if s["name"] == source for a in s["artefacts"] if a["id"] != mine]
    newest = sorted(others, key=lambda a: str(a["created_at"] or ""), reverse=True)
    proven = next((a for a in newest if a["outcome"] == Outcome.PASS), None)
    untried = next((a for a in newest if a["outcome"] is None), None)
    if proven and untried and str(untried["created_at"] or "") < str(proven["created_at"] or ""):
        untried = None  # older than one that is known to be sound
    meaning = f"Do not rely on this backup. {step['meaning']}"
    command = f"chromadrill prove {name}"
    if proven:
        meaning += f" The newest one that is proven: {proven['id']}, made {proven['created_at']}."
    if other := untried or proven:
        command += f" --pick {shlex.quote(str(other['id']))}"
    else:
        meaning += " No other is left to try: take a new backup, and prove that."
    keys = ("id", "created_at", "proven_at", "coverage")
    restore = {key: proven[key] for key in keys} if proven else None
    return {**step, "meaning": meaning, "command": command, "restore": restore}


def _next_step_of_path(step: JSON | None, scenario: JSON) -> JSON | None:
    """The same of a backup that was named by its path: the scratch server is gone when this is read."""
    if step is None or step["check"] not in (*_OF_RECORDINGS, "recall", SLOW):
        return step
    if step["check"] == SLOW:
        return {**step, "command": "chromadrill prove PATH"}
    if scenario["outcome"] == Outcome.UNKNOWN:
        meaning = (
            "Nothing says what this backup should hold. Record the database before and after its next"
            " backup, name both in drill.toml ([backups.NAME] source, target), and prove that one."
        )
        return {**step, "meaning": meaning, "command": "chromadrill record --target PRODUCTION"}
    meaning = f"Do not rely on this backup. {step['meaning']}"
    return {**step, "meaning": meaning, "command": "chromadrill prove OLDER_BACKUP"}


def _tries(events: Sequence[JSON], scenarios: Sequence[JSON]) -> list[JSON]:
    """What this run tried: source, id, when the try ended, its outcome and its coverage.

    `is_unseen`: it could not tell for a reason of this machine; the backup itself was not judged.
    """
    ends = {e["scenario"]: e.get("at") for e in events if e["event"] == "scenario finished"}
    tries = []
    for scenario in scenarios:
        backup = scenario.get("backup") or {}
        if not backup.get("source"):
            continue
        tries.append(
            {
                "source": backup["source"],
                "id": backup.get("artefact") or backup.get("id"),
                "created_at": backup.get("created_at"),
                "bytes": backup.get("bytes"),
                "proven_at": ends.get(scenario["id"]) or scenario.get("started_at"),
                "outcome": proof_outcome(scenario),
                "is_unseen": _is_unseen(scenario),
                "coverage": (scenario.get("coverage") or {}).get("share"),
            }
        )
    return tries


def _is_unseen(scenario: JSON) -> bool:
    """Whether nothing but the fetching (no room, a password, Ctrl-C) left this try open."""
    checks = {v["check"] for v in scenario["verdicts"] if v["outcome"] == Outcome.UNKNOWN}
    return checks <= {FETCH}
