"""The few numbers a manager asks for, over all scenarios of a run; None where nothing was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.evidence.own_backups import lowest_share


def summary_of(scenarios: Sequence[JSON]) -> JSON:
    """Recovery and loss of the scenario nearest to its limit; records over all scenarios."""
    recovery = _nearest(scenarios, registry.RECOVERY_TIME)
    loss = _nearest(scenarios, registry.DATA_LOSS)
    records = [_records(scenario) for scenario in scenarios]
    searches = registry.of_figure("search_p90_ms")
    return {
        # a time in which nothing came back that is proven is void
        "recovery_time_s": recovery["actual"]
        if recovery and recovery["outcome"] != "unknown"
        else None,
        "recovery_limit_s": recovery and recovery["limit"],
        "data_loss_s": loss and loss["actual"],
        "data_loss_limit_s": loss and loss["limit"],
        "downtime_s": _most(_outage(s, ("error", "timeout", "wrong")) for s in scenarios),
        "wrong_answer_s": _most(_outage(s, ("wrong",)) for s in scenarios),
        "records_compared": sum(counts["compared"] for counts in records),
        "records_total": sum(counts["total"] for counts in records),
        "records_lost": sum(counts["missing"] for counts in records),
        "records_altered": sum(counts["changed"] for counts in records),
        "records_extra": sum(counts["extra"] for counts in records),
        "search_p90_ms": _most(
            v["actual"]
            for s in scenarios
            for v in s["verdicts"]
            if registry.plain_name(v["check"]) in searches and v["actual"] is not None
        ),
        "coverage": lowest_share(scenarios),
        "forecast": None,
    }


def _nearest(scenarios: Sequence[JSON], check: str) -> JSON | None:
    """The verdict that used most of its limit. One without a number is worst: it never happened."""
    verdicts = [
        v
        for s in scenarios
        for v in s["verdicts"]
        if v["check"] == check and v["limit"] is not None
    ]
    return max(verdicts, key=_share_of_limit, default=None)


def _share_of_limit(verdict: JSON) -> float:
    """What a verdict used of its limit. A limit of 0 is kept by 0 alone (no write may be lost)."""
    actual, limit = verdict["actual"], verdict["limit"]
    if actual is None or (actual > 0 and not limit):
        return float("inf")
    return float(actual / limit) if limit else 0.0


def _records(scenario: JSON) -> dict[str, int]:
    """Each scenario compares twice, before and after one more restart; the worse of both counts."""
    passes = [
        v for v in scenario["verdicts"] if registry.plain_name(v["check"]) == registry.RECORDS
    ]

    def worst(of: Callable[[JSON], bool]) -> int:
        counted = [
            max((d["count"] for d in suite.get("differences") or () if of(d)), default=0)
            for suite in passes
        ]
        return max(counted, default=0)

    return {
        "missing": worst(lambda d: d["field"] == "record" and d["kind"] == "missing"),
        "extra": worst(lambda d: d["field"] == "record" and d["kind"] == "extra"),
        "changed": worst(lambda d: d["field"] != "record"),
        "compared": int(max((v["actual"] or 0 for v in passes), default=0)),
        "total": int(max((v["limit"] or 0 for v in passes), default=0)),
    }


def _outage(scenario: JSON, results: tuple[str, ...]) -> float | None:
    """Seconds between fault and recovery in which a client saw one of `results`."""
    fault_s, recovered = scenario.get("strike_s"), scenario.get("recovered_s")
    if fault_s is None or not scenario.get("client"):
        return None
    until = recovered if recovered is not None else max(w["to_s"] for w in scenario["client"])
    seconds: float = sum(
        max(0.0, min(w["to_s"], until) - max(w["from_s"], fault_s))
        for w in scenario["client"]
        if w["result"] in results
    )
    return round(seconds, 3)


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
