"""What a load run leaves: result JSON, raw samples, chart, table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from chromadrill.checks.load import LoadSummary, judge, percentile_or_slowest
from chromadrill.core.errors import DrillError
from chromadrill.core.model import JSON, Outcome, Verdict
from chromadrill.core.urls import without_password
from chromadrill.evidence.report.latency_chart import latency_chart
from chromadrill.evidence.report.load_report import load_table
from chromadrill.workload.load import samples as raw_samples
from chromadrill.workload.load.plan import AnswersWrong, LoadPlan
from chromadrill.workload.load.profiles import PROFILES, Profile
from chromadrill.workload.load.samples import LoadSample
from chromadrill.workload.load.summary import summarise


def result_of(
    plan: LoadPlan,
    samples: Sequence[LoadSample],
    *,
    started_at: str,
    besides: Sequence[Verdict] = (),
) -> JSON:
    """The content of `--result`: the verdict, and every number it rests on.

    `besides`: verdicts on what was asked before the run and on what is there after it.
    """
    profile = PROFILES[plan.profile]
    summary = summarise(samples, len(plan.due), plan.workers)
    return {
        **_result(profile, summary, [*judge(summary, profile.limits), *besides]),
        "run": plan.run,
        "host": without_password(plan.host),
        "started_at": started_at,
        "workers": plan.workers,
        "asked": plan.source,
        "windows": [
            {"from_s": window.begin, "to_s": window.end, "result": window.result}
            for window in raw_samples.failure_windows(samples)
        ],
    }


def result_without_run(profile: Profile, host: str | None, error: DrillError) -> JSON:
    """The result of a run that did not begin: UNKNOWN, or FAIL if all answers were wrong before."""
    empty = LoadSummary(0, (), (), (), (), {})
    verdict = (
        Verdict.failed("questions", str(error))
        if isinstance(error, AnswersWrong)
        else Verdict.unknown("load samples", str(error))
    )
    result = _result(profile, empty, [verdict])
    return {**result, "host": without_password(host or ""), "windows": []}


def _result(profile: Profile, summary: LoadSummary, verdicts: Sequence[Verdict]) -> JSON:
    outcome = Outcome.merge(verdict.outcome for verdict in verdicts)
    deciding = [verdict.message for verdict in verdicts if verdict.outcome is outcome]
    return {
        "profile": profile.name,
        "profile_why": profile.why,
        "outcome": outcome.value,
        "why": "; ".join(deciding[:1] if outcome is Outcome.PASS else deciding),
        "samples": summary.right,
        "errors": summary.arrivals - summary.right,
        "outcomes": dict(summary.outcomes),
        "scheduled": summary.scheduled,
        **_percentiles("", summary.latency_ms),
        **_percentiles("service_", summary.service_ms),
        "lag_p99_ms": percentile_or_slowest(summary.lag_ms, 99),
        "limits": asdict(profile.limits),
        "verdicts": [
            {
                "check": verdict.check,
                "outcome": verdict.outcome.value,
                "actual": verdict.actual,
                "limit": verdict.limit,
                "unit": verdict.unit,
                "message": verdict.message,
            }
            for verdict in verdicts
        ],
    }


def _percentiles(prefix: str, values: Sequence[float]) -> JSON:
    ranks = {"p50": 50, "p90": 90, "p99": 99, "max": 100}
    return {
        f"{prefix}{name}_ms": percentile_or_slowest(values, rank) for name, rank in ranks.items()
    }


def write(result: JSON, samples: Sequence[LoadSample], path: Path) -> None:
    """`path` and, beside it under the same stem, `.parquet`, `.svg` and `.md`. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chart = path.with_suffix(".svg")
    raw_samples.write(samples, path.with_suffix(".parquet"))
    chart.write_text(draw_latency(result, samples), encoding="utf-8")
    path.with_suffix(".md").write_text(load_table(result, chart.name), encoding="utf-8")
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))


def draw_latency(result: JSON, samples: Sequence[LoadSample]) -> str:
    """The chart of latency over time, as SVG."""
    return latency_chart(
        [(sample.due, sample.latency_ms, sample.outcome) for sample in samples],
        [(window["from_s"], window["to_s"], window["result"]) for window in result["windows"]],
        title=f"Load profile {result['profile']}: latency over time",
        limit_ms=result["limits"]["p90_ms"],
    )
