"""Was anything wrong while the monitor watched, and does an alert come in time? Pure functions."""

from __future__ import annotations

from chromadrill.core.model import Verdict

FLAPS = 0.2  # of the samples of a rule may be bad where it never fired


def rule_held(
    name: str,
    *,
    fired: int,
    firing: bool,
    lost: int,
    observed: bool,
    pending: bool,
    bad_share: float,
    detail: str,
    is_blind: bool = False,
) -> Verdict:
    """PASS only where the rule's signal was seen all the time, good at the end, and never alerted.

    `lost`: how often the signal was missing for too long. `pending`: bad at the end, not for long
    enough to alert. `bad_share`: of all samples. What flaps is never bad for long enough to alert,
    and is not healthy either. `is_blind`: the alert says that nobody can see: UNKNOWN, not FAIL.
    """
    suffix = f": {detail}" if detail else ""
    if fired:
        state = "fires now" if firing else "fired and cleared"
        verdict = Verdict.unknown if is_blind else Verdict.failed
        return verdict(name, f"{state}, {fired} times{suffix}", actual=float(fired), limit=0.0)
    if not observed:
        return Verdict.unknown(name, f"nothing was to be seen of it{suffix}")
    if lost:
        return Verdict.unknown(name, f"for a time nobody saw it, {lost} times{suffix}")
    if pending:
        return Verdict.unknown(name, f"bad at the end, not for long enough to alert{suffix}")
    if bad_share > FLAPS:
        return Verdict.unknown(
            name, f"never bad for long enough to alert, but {bad_share:.0%} of the time"
        )
    return Verdict.passed(name, "never fired", actual=0.0, limit=0.0)


def alert_in_time(
    name: str, after_s: float | None, limit_s: float, *, time_scale: float, detail: str
) -> Verdict:
    """The alert came, and in time; `time_scale` shortened the rule's waits."""
    check = f"{name} detected"
    if after_s is None:
        return Verdict.failed(check, "the alert never fired", limit=limit_s, unit="s")
    sentence = (
        f"fired {after_s:.1f} s after the fault of {limit_s:.1f} s"
        f" (waits at {time_scale:g} of their length): {detail}"
    )
    maker = Verdict.passed if after_s <= limit_s else Verdict.failed
    return maker(check, sentence, actual=round(after_s, 3), limit=limit_s, unit="s")


def one_page(name: str, fired: int, cleared: int, *, firing: bool) -> Verdict:
    """One fault is one page and one all-clear."""
    check = f"{name} cleared"
    sentence = f"fired {fired} times, cleared {cleared} times"
    good = fired == 1 and cleared == 1 and not firing
    return (Verdict.passed if good else Verdict.failed)(
        check, sentence, actual=float(fired), limit=1.0, unit="pages"
    )


def quiet(names: list[str]) -> Verdict:
    """No other alert fired than those that the fault explains."""
    if names:
        return Verdict.failed("no other alert", f"fired too: {', '.join(sorted(names))}")
    return Verdict.passed("no other alert", "none")


def incident_in_time(check: str, after_s: float | None, limit_s: float, *, by: str) -> Verdict:
    """The paging service did what our ping asked of it; `by` says whether it was the real one."""
    if after_s is None:
        return Verdict.failed(check, f"not within {limit_s:g} s ({by})", limit=limit_s, unit="s")
    return Verdict.passed(
        check, f"after {after_s:.1f} s ({by})", actual=round(after_s, 3), limit=limit_s, unit="s"
    )
