"""What clients saw while it was broken: how long no right answer, how long a wrong one."""

from __future__ import annotations

from typing import Protocol

from chromadrill.core.model import ClientView, Outcome, Verdict

SLACK_S = 1.0  # of a watch: ticks are a quarter of a second apart, a busy machine's more


class AvailabilityLimits(Protocol):
    """Of `[objectives]`, in seconds."""

    @property
    def downtime_s(self) -> float: ...
    @property
    def wrong_answers_s(self) -> float: ...


def downtime(view: ClientView, limit_s: float) -> Verdict:
    """Errors, timeouts and wrong answers together; a client is served by none of them."""
    return _judge("downtime", view, ("error", "timeout", "wrong"), limit_s)


def wrong_answers(view: ClientView, limit_s: float) -> Verdict:
    """Wrong answers alone: worse than errors, since a client goes on with them."""
    return _judge("wrong answers", view, ("wrong",), limit_s)


def availability(view: ClientView, limits: AvailabilityLimits) -> list[Verdict]:
    """Both, each against its limit."""
    return [downtime(view, limits.downtime_s), wrong_answers(view, limits.wrong_answers_s)]


def stays_right(view: ClientView) -> Verdict:
    """Nothing but right answers in `view`, which begins with the recovery."""
    check, bad = "stays right", view.seconds("error", "wrong")
    long = view.end - view.begin
    sentence = f"{view.seconds('right'):.1f} of {long:.1f} s after the recovery"
    if bad:
        return Verdict.failed(check, f"{sentence}: {bad:.1f} s of errors or wrong answers")
    if long <= SLACK_S:
        return Verdict.not_run(check, f"the watch ended {long:.1f} s after the recovery")
    if view.seconds("right") < long - SLACK_S:
        return Verdict.unknown(check, f"{sentence}: the rest timed out, or nobody looked")
    return Verdict.passed(check, sentence)


def _judge(check: str, view: ClientView, results: tuple[str, ...], limit_s: float) -> Verdict:
    """Time in which nobody looked may have been anything: UNKNOWN where that decides."""
    actual, hidden = view.seconds(*results), view.seconds("unwatched")
    parts = {result: view.seconds(result) for result in results if view.seconds(result)}
    times = ", ".join(f"{long:.1f} s {result}" for result, long in parts.items()) or "none"
    sentence = f"of {view.end - view.begin:.1f} s that clients asked: {times}"
    if hidden:
        sentence += f"; {hidden:.1f} s nobody looked"
    outcome = Outcome.PASS
    if actual > limit_s:
        outcome = Outcome.FAIL
    elif actual + hidden > limit_s or not view.windows or hidden >= view.end - view.begin:
        outcome = Outcome.UNKNOWN
    return Verdict(check, outcome, sentence, actual=round(actual, 3), limit=limit_s, unit="s")
