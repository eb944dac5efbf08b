"""What a load run leaves: result JSON, raw samples, picture, table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from chromadrill.checks.load import LoadFacts, judge, percentile_or_slowest
from chromadrill.core.errors import DrillError
from chromadrill.core.model import JSON, Outcome, Verdict
from chromadrill.core.urls import without_password
from chromadrill.evidence.report.latency_chart import latency_chart
from chromadrill.evidence.report.load_report import load_table
from chromadrill.workload.load import samples as raw
from chromadrill.workload.load.plan import AnswersWrong, Plan
from chromadrill.workload.load.profiles import PROFILES, Profile
from chromadrill.workload.load.samples import Sample
from chromadrill.workload.load.summary import facts


def result_of(
    plan: Plan, samples: Sequence[Sample], *, started_at: str, besides: Sequence[Verdict] = ()
) -> JSON:
    """The content of `--result`: the verdict, and every number it rests on.

    `besides`: verdicts on what was asked before the run and on what is there after it.
    """
    profile = PROFILES[plan.profile]
    seen = facts(samples, len(plan.due), plan.workers)
    return {
        **_judged(profile, seen, [*judge(seen, profile.limits), *besides]),
        "run": plan.run,
        "host": without_password(plan.host),
        "started_at": started_at,
        "workers": plan.workers,
        "asked": plan.source,
        "windows": [
            {"from_s": start, "to_s": end, "result": result}
            for start, end, result in raw.windows(samples)
        ],
    }


def nothing_measured(profile: Profile, host: str | None, error: DrillError) -> JSON:
    """The result of a run that did not begin: UNKNOWN, or FAIL if all answers were wrong before."""
    empty = LoadFacts(0, (), (), (), (), {})
    verdict = (
        Verdict.failed("questions", str(error))
        if isinstance(error, AnswersWrong)
        else Verdict.unknown("load samples", str(error))
    )
    found = _judged(profile, empty, [verdict])
    return {**found, "host": without_password(host or ""), "windows": []}


def _judged(profile: Profile, seen: LoadFacts, verdicts: Sequence[Verdict]) -> JSON:
    outcome = Outcome.merge(each.outcome for each in verdicts)
    deciding = [each.message for each in verdicts if each.outcome is outcome]
    ranks = {"p50": 50, "p90": 90, "p99": 99, "max": 100}
    return {
        "profile": profile.name,
        "profile_why": profile.why,
        "outcome": outcome.value,
        "why": "; ".join(deciding[:1] if outcome is Outcome.PASS else deciding),
        "samples": seen.right,
        "errors": seen.arrived - seen.right,
        "outcomes": dict(seen.outcomes),
        "scheduled": seen.scheduled,
        **{
            f"{name}_ms": percentile_or_slowest(seen.latency_ms, rank)
            for name, rank in ranks.items()
        },
        **{
            f"service_{name}_ms": percentile_or_slowest(seen.service_ms, rank)
            for name, rank in ranks.items()
        },
        "lag_p99_ms": percentile_or_slowest(seen.lag_ms, 99),
        "limits": asdict(profile.limits),
        "verdicts": [
            {
                "check": each.check,
                "outcome": each.outcome.value,
                "actual": each.actual,
                "limit": each.limit,
                "unit": each.unit,
                "message": each.message,
            }
            for each in verdicts
        ],
    }


def write(result: JSON, samples: Sequence[Sample], path: Path) -> None:
    """`path` and, beside it under the same stem, `.parquet`, `.svg` and `.md`. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = path.with_suffix(".svg")
    raw.write(samples, path.with_suffix(".parquet"))
    picture.write_text(drawn(result, samples), encoding="utf-8")
    path.with_suffix(".md").write_text(load_table(result, picture.name), encoding="utf-8")
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))


def drawn(result: JSON, samples: Sequence[Sample]) -> str:
    return latency_chart(
        [(each.due, each.latency_ms, each.outcome) for each in samples],
        [(each["from_s"], each["to_s"], each["result"]) for each in result["windows"]],
        title=f"Load profile {result['profile']}: latency over time",
        limit_ms=result["limits"]["p90_ms"],
    )
