"""Raw samples -> one verdict -> exit code and result file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from _profiles import Profile

from chromadrill.checks.objectives import percentile


@dataclass
class Seen:
    """What all users saw: milliseconds from the intended start, of the service, and errors."""

    intended_ms: list[float] = field(default_factory=list)
    service_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


EXIT = {"pass": 0, "fail": 1, "unknown": 2}


def judge(profile: Profile, seen: Seen) -> dict[str, object]:
    """The content of `--result`. Silence is not speed: too few samples are UNKNOWN."""
    asked = len(seen.intended_ms) + len(seen.errors)
    share = len(seen.errors) / asked if asked else 1.0
    p90 = percentile(seen.intended_ms, 90)
    if asked and share > profile.error_share:
        outcome, why = "fail", f"{len(seen.errors)} of {asked} failed: {seen.errors[0]}"
    elif len(seen.intended_ms) < profile.samples_min:
        got = len(seen.intended_ms)
        outcome, why = "unknown", f"{got} samples, {profile.samples_min} needed"
    elif p90 is None or p90 >= profile.p90_ms:
        outcome, why = "fail", f"p90 {p90} ms, limit {profile.p90_ms:g} ms"
    else:
        outcome, why = "pass", f"p90 {p90:.1f} ms of {profile.p90_ms:g} ms"
    return {
        "profile": profile.name,
        "outcome": outcome,
        "why": why,
        "samples": len(seen.intended_ms),
        "errors": len(seen.errors),
        "p50_ms": percentile(seen.intended_ms, 50),
        "p90_ms": p90,
        "p99_ms": percentile(seen.intended_ms, 99),
        "service_p90_ms": percentile(seen.service_ms, 90),
        "limits": {"p90_ms": profile.p90_ms, "error_share": profile.error_share,
                   "samples_min": profile.samples_min},
    }  # fmt: skip


def lines(result: dict[str, object]) -> Sequence[str]:
    """The verdict for a terminal."""
    return (
        f"{str(result['outcome']).upper()}: profile {result['profile']}: {result['why']}",
        f"  {result['samples']} samples, {result['errors']} errors; from the intended start"
        f" p50 {result['p50_ms']} p90 {result['p90_ms']} p99 {result['p99_ms']} ms;"
        f" service p90 {result['service_p90_ms']} ms",
    )


def write(result: dict[str, object], path: Path) -> None:
    path.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
