"""Records of a green, a red, an unknown and an empty drill, as `drill.json` has them."""


def check(name, outcome="pass", message="as it should be", **more):
    return {
        "check": name, "outcome": outcome, "message": message,
        "actual": None, "limit": None, "unit": None, **more,
    }  # fmt: skip


def scenario(name="volume-lost-volume-copy", outcome="pass", took=13.7, **more):
    return {
        "id": f"test_snapshot_is_restored[{name}]",
        "runbook": "RB-2",
        "title": f"snapshot is restored ({name})",
        "outcome": outcome,
        "recovery_time_s": took,
        "proven_time_s": 29.3,
        "records": 5909,
        "error": None,
        "started_at": "2026-11-25T07:39:30.000Z",
        "production_origin": False,
        "disaster": {"name": "volume-lost", "what": "the data directory is empty",
                     "seen": "wrong: no such collection", "seen_after_s": 3.7},
        "backup": {"id": "snap-20261125T073941Z", "method": "volume-copy",
                   "created_at": "2026-11-25T07:39:41Z", "bytes": 48_300_112},
        "phases": [
            {"name": "a snapshot, and clients that went on writing after it", "seconds": 18.0,
             "start_s": 0.0, "status": "passed"},
            {"name": "disaster: the data directory is empty", "seconds": 3.8,
             "start_s": 18.0, "status": "passed"},
            {"name": "on-call follows RB-2: stop, restore, start", "seconds": 10.3,
             "start_s": 21.8, "status": "passed"},
            {"name": "everything is back and answers, also after a restart", "seconds": 15.2,
             "start_s": 32.1, "status": "passed"},
        ],
        "client": [
            {"from_s": 16.0, "to_s": 18.1, "result": "right"},
            {"from_s": 18.1, "to_s": 21.9, "result": "wrong"},
            {"from_s": 21.9, "to_s": 30.2, "result": "error"},
            {"from_s": 30.2, "to_s": 31.8, "result": "timeout"},
            {"from_s": 31.8, "to_s": 33.0, "result": "right"},
        ],
        "strike_s": 18.1,
        "recovered_s": 31.8,
        "commands": [
            {"command": "chromadrill ops --target process stop", "exit_code": 0,
             "seconds": 1.2},
            {"command": "chromadrill ops --target process restore snap-20261125T073941Z",
             "exit_code": 0, "seconds": 4.4},
        ],
        "verdicts": [
            check("inventory", message="7 collections in 3 databases, no extras"),
            check("records", message="5909 of 5909 records compared, exact",
                  actual=5909.0, limit=5909.0, unit="records"),
            check("disaster seen", message="a client saw wrong: no such collection", actual=3.7),
            check("recovery time", message=f"{took} s of 300 s", actual=took, limit=300, unit="s"),
            check("data loss", message="oldest missing 0.3 s before the fault",
                  actual=0.3, limit=86400, unit="s"),
        ],
        "next_step": None,
        "log_tail": None,
        **more,
    }  # fmt: skip


def green():
    """A whole record of a drill in which everything came back."""
    return {
        "schema": "chromadrill/drill/1",
        "run_id": "20261125T073926Z-process-0e5d4c",
        "outcome": "pass",
        "target": {"name": "process", "kind": "process", "url": "http://127.0.0.1:45259"},
        "versions": {"chromadrill": "0.1.0", "chromadb": "1.5.9", "python": "3.11.7",
                     "platform": "Linux-6.18-x86_64"},
        "started_at": "2026-11-25T07:39:26.983Z",
        "finished_at": "2026-11-25T07:47:49.878Z",
        "trigger": "schedule",
        "operator": "ci-bot",
        "witness": "data team",
        "approver": "head of platform",
        "objectives": [
            {"id": "RB-2", "title": "a lost database is restored from a snapshot", "limit": 300,
             "unit": "s", "controls": ["SOC 2 A1.3", "ISO 22301 8.5"]},
        ],
        "contacts": [
            {"role": "primary", "name": "Search on-call", "reach": "#search-oncall"},
            {"role": "platform", "name": "Platform team", "reach": "#platform"},
        ],
        "summary": {
            "recovery_time_s": 37.5, "recovery_limit_s": 300, "data_loss_s": 0.3,
            "data_loss_limit_s": 86400, "downtime_s": 37.5, "wrong_answer_s": 3.8,
            "records_compared": 5909, "records_total": 5909, "records_lost": 0,
            "records_altered": 0, "records_extra": 0, "search_p90_ms": 11.8,
            "forecast": {"text": "about 16 min for 1,000,000 records"},
        },
        "scenarios": [scenario(), scenario("volume-lost-export", took=37.5)],
        "embedder": {"name": "seeded-clusters-1", "weights_sha256": None},
        "required": ["RB-2"],
        "not_covered": [],
        "artifacts": [{"path": f"logs/{n}.txt", "sha256": f"{n:064x}", "bytes": 400 + n}
                      for n in range(40)],
        "exceptions": [],
        "remediation": [],
        "cleanup": {"status": "done", "detail": None},
        "provenance": {"git_sha": "0123456789abcdef", "dirty": False, "harness": "0.1.0",
                       "python": "3.11.7", "platform": "Linux",
                       "generated_at": "2026-11-25T07:47:50Z"},
        "trend": [check("recovery trend", message="37.5 s, usual 31 to 39 s")],
        "previous_record_sha256": "ab" * 32,
        "previous_run_id": "20261025T073000Z-process-111111",
    }  # fmt: skip


MEANING = "Records are lost, added or altered: texts, metadata, URIs or vectors."
NEXT = "chromadrill ops --target process restore snap-20261124T020000Z"
STEP = {"check": "records", "meaning": MEANING, "command": NEXT}


def red():
    """Records were lost, and it took too long."""
    record = green()
    bad = scenario(
        "segment-deleted-volume-copy",
        outcome="fail",
        took=None,
        next_step={"check": "records", "meaning": MEANING, "command": NEXT},
    )
    bad["log_tail"] = "INFO  starting\nERROR hnsw: Error finding id\nERROR giving up"
    bad["phases"][2] |= {"status": "failed"}
    bad["client"] = [*bad["client"][:2], {"from_s": 21.9, "to_s": 47.3, "result": "error"}]
    bad["recovered_s"] = None
    bad["verdicts"][1] = check(
        "records", "fail", "3 records are missing", actual=5906.0, limit=5909.0, unit="records",
        differences=[{
            "collection": "default_tenant/default_database/bmad_embeddings", "field": "record",
            "kind": "missing", "count": 3, "ids": ["__future__:1", "abc:4", "abc:9"],
            "before": None, "after": None, "examples": [["abc:4", "kept", "gone"]],
        }],
    )  # fmt: skip
    bad["verdicts"][3] = check("recovery time", "fail", "never happened", limit=300, unit="s")
    record["scenarios"].append(bad)
    record["outcome"] = "fail"
    record["summary"] |= {"recovery_time_s": None, "records_lost": 3, "records_altered": 1}
    record["remediation"] = [
        {"what": "take snapshots with the server stopped", "ticket": "OPS-811",
         "owner": "Linus Search", "due": "2026-12-09"},
    ]  # fmt: skip
    record["exceptions"] = ["RB-4 was drilled without a witness"]
    return record


def unknown():
    """Nobody saw the disaster, and a required runbook was left out."""
    record = green()
    record["scenarios"][1]["outcome"] = "unknown"
    record["scenarios"][1]["verdicts"][2] = check(
        "disaster seen", "unknown", "the data directory is empty: nobody saw it"
    )
    record |= {"outcome": "unknown", "required": ["RB-1", "RB-2"]}
    record["not_covered"] = ["RB-1 is required and was not drilled"]
    return record


def empty():
    return green() | {
        "outcome": "unknown", "scenarios": [], "summary": {}, "artifacts": [], "objectives": [],
        "not_covered": ["RB-2 is required and was not drilled"],
    }  # fmt: skip


def history(count=11):
    return [
        {
            "run_id": f"run-{n}", "finished_at": f"2026-{1 + n % 12:02d}-25T07:00:00Z",
            "target": "process", "outcome": ("pass", "pass", "fail", "unknown")[n % 4],
            "recovery_time_s": None if n % 4 == 3 else 20.0 + 30 * n, "recovery_limit_s": 300,
            "data_loss_s": 0.3, "downtime_s": 14.0, "search_p90_ms": 12.0, "records": 5909,
        }
        for n in range(count)
    ]  # fmt: skip


FAULTS = [
    {"kind": "fault", "name": f"{family}-{n}", "family": family, "checks": {"records": "fail"},
     "outcome": "pass" if (family, n) == ("queue", 3) else "fail"}
    for family, many in (("fts", 22), ("inventory", 9), ("queue", 18), ("rows", 61))
    for n in range(many)
] + [
    {"kind": "healthy", "name": f"vacuum-{n}", "family": "healthy", "checks": {}, "outcome": "pass"}
    for n in range(21)
]  # fmt: skip
SAMPLES = {"green": green, "red": red, "unknown": unknown, "empty": empty, "nothing": dict}
