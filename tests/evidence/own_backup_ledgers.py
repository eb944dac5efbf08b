"""Ledgers of runs that proved the user's own backups, written by hand: the notes as a drill has them."""

from chromadrill.evidence.record import record_of

DAY = "2026-11-29T"
DOCS, PAGES = "default_tenant/default_database/bmad_embeddings", "default_tenant/wiki/pages"
COVERAGE = {
    "limit_percent": 50, "share": 4958 / 5186,
    "collections": {
        DOCS: {"proven": 4058, "moved": 225, "unseen": 3, "unexplained": 0, "in_between": 24},
        PAGES: {"proven": 900, "moved": 0, "unseen": 0, "unexplained": 0, "in_between": 0},
    },
    "before": {"taken_at": f"{DAY}01:50:00.000Z"},
    "after": {"taken_at": f"{DAY}02:20:00.000Z", "live": False},
}  # fmt: skip
ARTEFACTS = [
    {"id": "night-29", "created_at": f"{DAY}02:00:00.000Z", "bytes": 1_210_000_000,
     "proven_at": None, "outcome": None, "coverage": None},
    {"id": "night-28", "created_at": "2026-11-28T02:00:00.000Z", "bytes": 1_190_000_000,
     "proven_at": "2026-11-28T03:09:00.000Z", "outcome": "pass", "coverage": 0.981},
    {"id": "night-27", "created_at": "2026-11-27T02:00:00.000Z", "bytes": 800_000_000,
     "proven_at": "2026-11-27T03:10:00.000Z", "outcome": "fail", "coverage": 0.7},
    {"id": "night-26", "created_at": "2026-11-26T02:00:00.000Z", "bytes": 1_180_000_000,
     "proven_at": None, "outcome": None, "coverage": None},
]  # fmt: skip
FLEET = [
    {"name": "production", "last_proven_at": "2026-11-28T03:09:00.000Z", "coverage": 0.981,
     "last_tried_at": "2026-11-28T03:09:00.000Z", "last_outcome": "pass",
     "proven_within_s": 3_024_000},
    {"name": "archive", "last_proven_at": None, "coverage": None, "last_tried_at": None,
     "last_outcome": None, "proven_within_s": 3_024_000},
]  # fmt: skip


def verdict(check, outcome="pass", message="as it should be", actual=None, limit=None, unit=None,
            **more):  # fmt: skip
    return {"check": check, "outcome": outcome, "message": message, "actual": actual,
            "limit": limit, "unit": unit, **more}  # fmt: skip


def verdicts(**changes):
    """The verdicts of a proof by check; `changes` are by check, with _ for a space, None for none."""
    checks = {
        "files": verdict("files", "not_run", "no manifest: the files' own hashes are not known"),
        "inventory": verdict("inventory", message="2 collections in 2 databases, no extras"),
        "records": verdict("records", message="4,958 of 5,186 records exactly as in both recordings"
                           ", 228 moved while the copy was taken", actual=5186, limit=5186,
                           unit="records"),
        "configuration": verdict("configuration"),
        "coverage": verdict("coverage", message="95.6 % of the records proven exactly",
                            actual=95.6, limit=50, unit="%"),
        "recovery time": verdict("recovery time", message="41.5 s of 300 s", actual=41.5, limit=300,
                                 unit="s"),
        "data loss": verdict("data loss", message="the backup was 1 h 5 min old", actual=3900,
                             limit=86400, unit="s"),
        "original": verdict("original", message="1 file of the original is unchanged"),
    }  # fmt: skip
    for name, change in changes.items():
        checks[name.replace("_", " ")] = change
    return [one for one in checks.values() if one]


def proof(artefact="night-29", source="production", coverage=COVERAGE, judged=None, why=(),
          **backup):  # fmt: skip
    """The events of one scenario; `why` there is no recording, in sentences."""
    name = f"test_existing_backup_is_proven[{artefact}]"
    facts = {"id": artefact, "method": "files", "created_at": f"{DAY}02:00:00.000Z",
             "bytes": 1_210_000_000, "original": f"/scratch/{artefact}", "source": source,
             "artefact": artefact, **backup}  # fmt: skip
    steps = (
        ("fetched from the source", 12.4),
        ("sound at rest", 9.1),
        ("served and restarted", 31),
    )
    return [
        {"event": "scenario started", "at": f"{DAY}03:05:00.000Z", "scenario": name,
         "runbook": "RB-2", "title": f"existing backup is proven ({artefact})"},
        {"event": "backup", "scenario": name, **facts},
        *({"event": "phase finished", "at": f"{DAY}03:06:00.000Z", "scenario": name, "name": step,
           "seconds": seconds} for step, seconds in steps),
        {"event": "compared", "scenario": name, "records": 5186},
        *([{"event": "recordings", "scenario": name, "why": list(why)}] if why else []),
        *([{"event": "coverage", "scenario": name, **coverage}] if coverage else []),
        {"event": "recovered", "at": f"{DAY}03:05:41.500Z", "scenario": name, "seconds": 41.5,
         "phases": {"fetched": 12.4, "unpacked": 3.1, "started": 21.0, "answered": 5.0}},
        *({"event": "verdict", "scenario": name, "verdict": one} for one in judged or verdicts()),
        {"event": "scenario finished", "at": f"{DAY}03:06:00.000Z", "scenario": name, "error": None},
    ]  # fmt: skip


def run(*proofs, artefacts=ARTEFACTS, fleet=FLEET):
    """The events of a run; `proofs` are those of its scenarios."""
    first = {"event": "run started", "at": f"{DAY}03:04:58.000Z", "run_id": "20261129T030458Z-p-1",
             "target": {"name": "process"}, "versions": {"chromadrill": "1", "chromadb": "1.5.9"},
             "required": [], "objectives": []}  # fmt: skip
    source = {"event": "source", "scenario": proofs[0][0]["scenario"], "name": "production",
              "artefacts": artefacts}  # fmt: skip
    notes = [{"event": "fleet", "sources": fleet}] if fleet else []
    return [
        first, *notes, *([source] if artefacts is not None else []),
        *(event for events in proofs for event in events),
        {"event": "run finished", "at": f"{DAY}03:06:01.000Z", "exit_status": 0,
         "cleanup": {"status": "done", "detail": "no scratch folder of this run is left"}},
    ]  # fmt: skip


def proven():
    """Production's backup of this night: proven, with what moved meanwhile."""
    return record_of(run(proof()))


def damaged():
    """Two records that nobody touched are gone from the backup."""
    lost = {"collection": DOCS, "field": "record", "kind": "missing", "ids": ["doc-7", "doc-912"]}
    coverage = {**COVERAGE, "share": 4956 / 5186, "collections": {
        **COVERAGE["collections"], DOCS: {"proven": 4056, "moved": 225, "unseen": 3, "unexplained": 2},
    }}  # fmt: skip
    judged = verdicts(
        records=verdict("records", "fail", "2 records that stood in both recordings are missing:"
                        " doc-7, doc-912", 5184, 5186, "records", differences=[lost]),
    )  # fmt: skip
    return record_of(run(proof(coverage=coverage, judged=judged)))


def half_recorded():
    """No recording from after the backup: nobody can tell changes from damage."""
    coverage = {**COVERAGE, "share": 4958 / 5186, "after": None}
    judged = verdicts(
        records=verdict("records", "unknown", "228 records differ from the one recording: changed"
                        " by clients, or damaged"),
        coverage=verdict("coverage", "unknown", "there is no recording from after the backup"),
    )  # fmt: skip
    why = ["no recording in recordings/production from after the backup",
           "its table names no target to record now"]  # fmt: skip
    return record_of(run(proof(coverage=coverage, judged=judged, why=why)))


def unrecorded():
    """No recording at all."""
    judged = verdicts(
        records=verdict("records", "unknown", "no fingerprint to compare with"),
        coverage=verdict("coverage", "unknown", "no recording around this backup"),
    )
    return record_of(run(proof(coverage=None, judged=judged)))


def several():
    """This night's and an older one, of which one is damaged."""
    older = proof("night-27", coverage={**COVERAGE, "share": 0.7}, judged=verdicts(
        records=verdict("records", "fail", "1,286 records that stood in both recordings are missing"),
    ), created_at="2026-11-27T02:00:00.000Z", bytes=800_000_000)  # fmt: skip
    return record_of(run(proof(), older))


def stale():
    """All of it comes back, and it is two days old."""
    judged = verdicts(
        data_loss=verdict("data loss", "fail", "the newest backup is 2 days old, 24 h are allowed",
                          172_800, 86_400, "s"),
    )  # fmt: skip
    return record_of(run(proof(judged=judged, created_at="2026-11-27T03:00:00.000Z")))


def older_fetched():
    """Not the newest one, from restic: nothing of it lay on this machine, so no original is compared."""
    judged = verdicts(
        data_loss=verdict("data loss", "not_run", "an older backup: the newest one says (night-29)"),
        original=verdict("original", "not_run", "it was fetched: restic was only read"),
    )  # fmt: skip
    return record_of(run(proof("night-26", judged=judged, created_at="2026-11-26T02:00:00.000Z")))


RECORDS = {
    "proven": proven, "damaged": damaged, "half recorded": half_recorded, "unrecorded": unrecorded,
    "several": several, "stale": stale, "older": older_fetched,
}  # fmt: skip


def without_room(artefact):
    """A try that this machine broke: nothing of the backup was seen."""
    judged = [verdict("fetch", "unknown", "no room: 2.4 GB are wanted, 1.1 GB are free")]
    return proof(artefact, coverage=None, judged=judged)


LOST = verdict("records", "fail", "2 are missing")
FAILED = verdicts(records=LOST)
