"""The smallest records that a report takes: one verdict, one scenario, one run."""


def verdict(check, outcome, message="said", actual=None, limit=None, unit=None):
    return {
        "check": check,
        "outcome": outcome,
        "message": message,
        "actual": actual,
        "limit": limit,
        "unit": unit,
    }


def scenario(outcome="pass", verdicts=(), title="snapshot is restored", **changes):
    base = {
        "id": "test_x",
        "runbook": "RB-2",
        "title": title,
        "outcome": outcome,
        "records": 10,
        "error": None,
        "phases": [],
        "verdicts": list(verdicts),
    }
    return {**base, **changes}


def record(outcome="pass", scenarios=(), **changes):
    base = {
        "run_id": "20260101T000000Z-process-abc",
        "outcome": outcome,
        "target": {"name": "process"},
        "started_at": "2026-01-01T00:00:00.000Z",
        "finished_at": "2026-01-01T00:01:00.000Z",
        "scenarios": list(scenarios),
        "required": ["RB-2"],
        "not_covered": [],
    }
    return {**base, **changes}
