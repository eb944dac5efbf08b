"""Did a load run meet its limits? Raw facts -> verdicts; UNKNOWN where the run itself is in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chromadrill.checks.objectives import percentile
from chromadrill.core.model import Outcome, Verdict

LAG_MS = 100.0  # a fifth of the usual p90 limit: a later generator measures itself


@dataclass(frozen=True, slots=True)
class Limits:
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
class LoadFacts:
    """The raw facts of a run, one entry an arrival that was answered or given up.

    `latency_ms` (from the intended start) and `service_ms` (from the actual one) hold right answers
    and timeouts: leaving out what was given up would make the slowest vanish. `fair_ms` is the
    service time of those that were started in time, less what the generator's own stalls took.
    `lag_ms` is how late every arrival was started. `outcomes` counts right, wrong, error, timeout,
    and undecided: no answer in time, but the generator itself stood still meanwhile;
    `last` are the outcomes of the run's last arrivals, `first_trouble` what was wrong first.
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
    def arrived(self) -> int:
        return sum(self.outcomes.values())

    @property
    def right(self) -> int:
        return self.outcomes.get("right", 0)


def judge(seen: LoadFacts, limits: Limits) -> list[Verdict]:
    """All verdicts of a run; merge them with `Outcome.merge`."""
    return [
        latency("load p90", seen, limits.p90_ms, 90),
        latency("slowest query", seen, limits.max_ms, 100),
        errors(seen, limits.error_share),
        wrong_answers(seen, judged=limits.error_share is not None),
        right_at_the_end(seen, asked=limits.must_recover),
        enough_samples(seen, limits.samples_min),
        all_arrivals(seen),
        schedule_kept(seen, limits.lag_p99_ms),
    ]


def latency(check: str, seen: LoadFacts, limit_ms: float | None, rank: int) -> Verdict:
    """The percentile (100: the slowest) from the intended start must be below its limit.

    Where only the generator's own lateness lifts it over the limit, nobody knows: UNKNOWN.
    """
    if limit_ms is None:
        return Verdict.not_run(check, "this profile has no limit for it")
    actual, fair = (
        percentile_or_slowest(values, rank) for values in (seen.latency_ms, seen.fair_ms)
    )
    if actual is None:
        return Verdict.unknown(check, "too few answers to tell", limit=limit_ms, unit="ms")
    what = "slowest" if rank == 100 else f"p{rank}"
    sentence = f"{what} {actual:.1f} ms of {limit_ms:g} ms from the intended start"
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


def errors(seen: LoadFacts, limit: float | None) -> Verdict:
    """The share of arrivals that ended in an error or a timeout."""
    check = "load errors"
    bad = seen.outcomes.get("error", 0) + seen.outcomes.get("timeout", 0)
    if limit is None:
        return Verdict.not_run(check, f"{bad} of {seen.arrived} arrivals failed: told, not judged")
    if not seen.arrived:
        return Verdict.unknown(check, "nothing was asked", limit=limit)
    share = bad / seen.arrived
    sentence = f"{bad} of {seen.arrived} arrivals failed"
    undecided = seen.outcomes.get("undecided", 0)
    if undecided:
        sentence += f"; {undecided} more had no answer while the generator itself stood still"
    if share > limit:
        return Verdict.failed(
            check, f"{sentence}; first: {seen.first_error}", actual=share, limit=limit
        )
    outcome = Outcome.UNKNOWN if share + undecided / seen.arrived > limit else Outcome.PASS
    return Verdict(check, outcome, sentence, actual=share, limit=limit)


def wrong_answers(seen: LoadFacts, *, judged: bool) -> Verdict:
    """A fast wrong answer is no latency: none is tolerated."""
    check, wrong = "load wrong answers", seen.outcomes.get("wrong", 0)
    if not judged:
        return Verdict.not_run(check, f"{wrong} of {seen.arrived} answers wrong: told, not judged")
    if not seen.arrived:
        return Verdict.unknown(check, "nothing was asked", limit=0)
    if wrong:
        return Verdict.failed(
            check,
            f"{wrong} of {seen.arrived} answers wrong; first trouble: {seen.first_error}",
            actual=wrong,
            limit=0,
        )
    return Verdict.passed(check, f"none in {seen.right} answers", actual=0, limit=0)


def right_at_the_end(seen: LoadFacts, *, asked: bool) -> Verdict:
    """The run's last arrivals are right: an outage that outlasts the run is no recovery."""
    check = "right at the end"
    if not asked:
        return Verdict.not_run(check, "outages are judged by the share of errors")
    if not seen.last:
        return Verdict.unknown(check, "nothing was asked")
    right, undecided = (seen.last.count(each) for each in ("right", "undecided"))
    sentence = f"{right} of the last {len(seen.last)} arrivals answered rightly"
    if right + undecided < len(seen.last):
        return Verdict.failed(check, sentence)
    if undecided:
        told = f"{sentence}; of {undecided} nobody knows: the generator itself stood still"
        return Verdict.unknown(check, told)
    return Verdict.passed(check, sentence)


def writes_present(acknowledged: int, missing: Sequence[str]) -> Verdict:
    """Every record whose write was acknowledged is there after the run, with its words."""
    check = "load writes"
    if not acknowledged:
        return Verdict.unknown(check, "no write was acknowledged")
    there = acknowledged - len(missing)
    sentence = f"{there} of {acknowledged} records of acknowledged writes are there after the run"
    numbers = {"actual": there, "limit": acknowledged}
    if missing:
        told = f"{sentence}; missing or with other words e.g. {missing[0]}"
        return Verdict.failed(check, told, **numbers, unit="records")
    return Verdict.passed(check, sentence, **numbers, unit="records")


def enough_samples(seen: LoadFacts, least: int) -> Verdict:
    """Silence is not speed."""
    numbers = {"actual": seen.right, "limit": least}
    if seen.right < least:
        return Verdict.unknown(
            "load samples", f"{seen.right} samples, {least} needed", **numbers, unit="samples"
        )
    return Verdict.passed("load samples", f"{seen.right} samples", **numbers, unit="samples")


def all_arrivals(seen: LoadFacts) -> Verdict:
    """Every arrival of the schedule has a sample; a lost worker or an early end leaves a hole."""
    check = "arrivals"
    if seen.arrived == seen.scheduled and not seen.missing_of_worker:
        return Verdict.passed(
            check, f"all {seen.scheduled}", actual=seen.arrived, limit=seen.scheduled
        )
    holes = ", ".join(f"worker {who}: {n}" for who, n in seen.missing_of_worker.items())
    return Verdict.unknown(
        check,
        f"{seen.arrived} of {seen.scheduled} scheduled arrivals have a sample; missing: {holes}",
        actual=seen.arrived,
        limit=seen.scheduled,
    )


def schedule_kept(seen: LoadFacts, limit_ms: float) -> Verdict:
    """99 % of the arrivals were started in time: else we measured ourselves."""
    check, late = "schedule kept", percentile(seen.lag_ms, 99)
    if late is None:
        return Verdict.unknown(check, "nothing was started", limit=limit_ms, unit="ms")
    sentence = f"99 % of the arrivals started within {late:.1f} ms, limit {limit_ms:g} ms"
    outcome = Outcome.PASS if late <= limit_ms else Outcome.UNKNOWN
    return Verdict(check, outcome, sentence, actual=late, limit=limit_ms, unit="ms")
