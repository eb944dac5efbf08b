"""Did a load run meet its limits? Raw facts -> verdicts; UNKNOWN where the run itself is in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chromadrill.checks.objectives import percentile
from chromadrill.core.model import Outcome, Verdict

LAG_MS = 100.0  # a fifth of the usual p90 limit: a later generator measures itself


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """What a profile is judged by. None: shown, not judged.

    `p90_ms` and `max_ms` are from the intended start; `error_share` is the share of arrivals that
    may end in an error or a timeout. A wrong answer is tolerated only where errors are not judged.
    `must_recover`: outages are what the run is for, but it must not end in one.
    """

    samples_min: int
    p90_ms: float | None = 500.0
    max_ms: float | None = None
    error_share: float | None = 0.0
    must_recover: bool = False
    lag_p99_ms: float = LAG_MS


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """The raw facts of a run, one entry an arrival that was answered or given up.

    `latency_ms` (from the intended start) and `service_ms` (from the actual one) hold right answers
    and timeouts: leaving out what was given up would make the slowest vanish. `fair_ms` is the
    service time of those that were started in time, less what the generator's own stalls took.
    `lag_ms` is how late every arrival was started. `outcomes` counts right, wrong, error, timeout,
    and undecided: no answer in time, but the generator itself stood still meanwhile;
    `last` are the outcomes of the run's last arrivals, `first_error` what was wrong first.
    """

    scheduled: int
    latency_ms: Sequence[float]
    service_ms: Sequence[float]
    fair_ms: Sequence[float]
    lag_ms: Sequence[float]
    outcomes: Mapping[str, int]
    last: Sequence[str] = ()
    first_error: str = ""
    missing_of_worker: Mapping[str, int] = field(default_factory=dict)

    @property
    def arrivals(self) -> int:
        return sum(self.outcomes.values())

    @property
    def right(self) -> int:
        return self.outcomes.get("right", 0)


def judge(summary: LoadSummary, limits: LoadLimits) -> list[Verdict]:
    """All verdicts of a run; merge them with `Outcome.merge`."""
    return [
        latency("load p90", summary, limits.p90_ms, 90),
        latency("slowest query", summary, limits.max_ms, 100),
        errors(summary, limits.error_share),
        wrong_answers(summary, judged=limits.error_share is not None),
        right_at_the_end(summary, required=limits.must_recover),
        enough_samples(summary, limits.samples_min),
        all_arrivals(summary),
        schedule_kept(summary, limits.lag_p99_ms),
    ]


def latency(check: str, summary: LoadSummary, limit_ms: float | None, rank: int) -> Verdict:
    """The percentile (100: the slowest) from the intended start must be below its limit.

    Where only the generator's own lateness lifts it over the limit, nobody knows: UNKNOWN.
    """
    if limit_ms is None:
        return Verdict.not_run(check, "this profile has no limit for it")
    actual, fair = (
        percentile_or_slowest(values, rank) for values in (summary.latency_ms, summary.fair_ms)
    )
    if actual is None:
        return Verdict.unknown(check, "too few answers to tell", limit=limit_ms, unit="ms")
    percentile_name = "slowest" if rank == 100 else f"p{rank}"
    sentence = f"{percentile_name} {actual:.1f} ms of {limit_ms:g} ms from the intended start"
    outcome = Outcome.PASS
    if actual >= limit_ms:
        outcome = Outcome.FAIL if fair is not None and fair >= limit_ms else Outcome.UNKNOWN
    if outcome is Outcome.UNKNOWN:
        sentence += ", but not where the generator was in time: it measured itself"
    return Verdict(check, outcome, sentence, actual=actual, limit=limit_ms, unit="ms")


def percentile_or_slowest(values: Sequence[float], rank: int) -> float | None:
    """`percentile`, and the maximum for rank 100."""
    if rank < 100:
        return percentile(values, rank)
    return round(max(values), 3) if len(values) > 1 else None


def errors(summary: LoadSummary, limit: float | None) -> Verdict:
    """The share of arrivals that ended in an error or a timeout."""
    check = "load errors"
    bad = summary.outcomes.get("error", 0) + summary.outcomes.get("timeout", 0)
    if limit is None:
        return Verdict.not_run(
            check, f"{bad} of {summary.arrivals} arrivals failed: told, not judged"
        )
    if not summary.arrivals:
        return Verdict.unknown(check, "nothing was asked", limit=limit)
    share = bad / summary.arrivals
    sentence = f"{bad} of {summary.arrivals} arrivals failed"
    undecided = summary.outcomes.get("undecided", 0)
    if undecided:
        sentence += f"; {undecided} more had no answer while the generator itself stood still"
    if share > limit:
        return Verdict.failed(
            check, f"{sentence}; first: {summary.first_error}", actual=share, limit=limit
        )
    outcome = Outcome.UNKNOWN if share + undecided / summary.arrivals > limit else Outcome.PASS
    return Verdict(check, outcome, sentence, actual=share, limit=limit)


def wrong_answers(summary: LoadSummary, *, judged: bool) -> Verdict:
    """A fast wrong answer is no latency: none is tolerated."""
    check, wrong = "load wrong answers", summary.outcomes.get("wrong", 0)
    if not judged:
        return Verdict.not_run(
            check, f"{wrong} of {summary.arrivals} answers wrong: told, not judged"
        )
    if not summary.arrivals:
        return Verdict.unknown(check, "nothing was asked", limit=0)
    if wrong:
        return Verdict.failed(
            check,
            f"{wrong} of {summary.arrivals} answers wrong; first trouble: {summary.first_error}",
            actual=wrong,
            limit=0,
        )
    return Verdict.passed(check, f"none in {summary.right} answers", actual=0, limit=0)


def right_at_the_end(summary: LoadSummary, *, required: bool) -> Verdict:
    """The run's last arrivals are right: an outage that outlasts the run is no recovery."""
    check = "right at the end"
    if not required:
        return Verdict.not_run(check, "outages are judged by the share of errors")
    if not summary.last:
        return Verdict.unknown(check, "nothing was asked")
    right, undecided = (summary.last.count(outcome) for outcome in ("right", "undecided"))
    sentence = f"{right} of the last {len(summary.last)} arrivals answered rightly"
    if right + undecided < len(summary.last):
        return Verdict.failed(check, sentence)
    if undecided:
        message = f"{sentence}; of {undecided} nobody knows: the generator itself stood still"
        return Verdict.unknown(check, message)
    return Verdict.passed(check, sentence)


def writes_present(acknowledged: int, missing: Sequence[str]) -> Verdict:
    """Every record whose write was acknowledged is there after the run, with its words."""
    check = "load writes"
    if not acknowledged:
        return Verdict.unknown(check, "no write was acknowledged")
    present = acknowledged - len(missing)
    sentence = f"{present} of {acknowledged} records of acknowledged writes are there after the run"
    numbers = {"actual": present, "limit": acknowledged}
    if missing:
        message = f"{sentence}; missing or with other words e.g. {missing[0]}"
        return Verdict.failed(check, message, **numbers, unit="records")
    return Verdict.passed(check, sentence, **numbers, unit="records")


def enough_samples(summary: LoadSummary, least: int) -> Verdict:
    """Silence is not speed."""
    numbers = {"actual": summary.right, "limit": least}
    if summary.right < least:
        return Verdict.unknown(
            "load samples", f"{summary.right} samples, {least} needed", **numbers, unit="samples"
        )
    return Verdict.passed("load samples", f"{summary.right} samples", **numbers, unit="samples")


def all_arrivals(summary: LoadSummary) -> Verdict:
    """Every arrival of the schedule has a sample; a lost worker or an early end leaves a hole."""
    check = "arrivals"
    if summary.arrivals == summary.scheduled and not summary.missing_of_worker:
        return Verdict.passed(
            check, f"all {summary.scheduled}", actual=summary.arrivals, limit=summary.scheduled
        )
    holes = ", ".join(f"worker {worker}: {n}" for worker, n in summary.missing_of_worker.items())
    return Verdict.unknown(
        check,
        f"{summary.arrivals} of {summary.scheduled} scheduled arrivals have a sample; missing: {holes}",
        actual=summary.arrivals,
        limit=summary.scheduled,
    )


def schedule_kept(summary: LoadSummary, limit_ms: float) -> Verdict:
    """99 % of the arrivals were started in time: else we measured ourselves."""
    check, late = "schedule kept", percentile(summary.lag_ms, 99)
    if late is None:
        return Verdict.unknown(check, "nothing was started", limit=limit_ms, unit="ms")
    sentence = f"99 % of the arrivals started within {late:.1f} ms, limit {limit_ms:g} ms"
    outcome = Outcome.PASS if late <= limit_ms else Outcome.UNKNOWN
    return Verdict(check, outcome, sentence, actual=late, limit=limit_ms, unit="ms")
