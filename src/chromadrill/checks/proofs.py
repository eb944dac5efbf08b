"""Is a source of the user's own backups known to restore? What was tried, in; a verdict, out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chromadrill.core.clock import parse_time
from chromadrill.core.model import Outcome, Verdict

CHECK = "proof"


def proven_lately(
    source: str,
    *,
    now: datetime,
    within_s: float,
    proven_at: str | None,
    tries: Sequence[tuple[str, Outcome]],
) -> Verdict:
    """Whether a restore of `source` was proven within `within_s` seconds, and none newer failed.

    `tries`: id and outcome of every backup that was ever tried, the newest backup first. One that
    could not be told says nothing of those before it.
    """
    again = f"chromadrill prove {source}"
    known = next(((name, end) for name, end in tries if end is not Outcome.UNKNOWN), None)
    if known and known[1] is Outcome.FAIL:
        message = f"{known[0]}, the newest that was tried, is NOT PROVEN: {again}"
        if known != tries[0]:
            message = (
                f"{known[0]} is NOT PROVEN, and the try of {tries[0][0]}, which is newer, could not"
                f" tell: {again}"
            )
        return Verdict.failed(CHECK, message)
    if proven_at is None:
        return Verdict.unknown(CHECK, f"no backup of {source} is proven: {again}")
    age_s = (now - parse_time(proven_at)) / timedelta(seconds=1)
    sentence = f"last proven {age_s / 86_400:.1f} days ago, {within_s / 86_400:.1f} allowed"
    numbers = {"actual": age_s, "limit": within_s, "unit": "s"}
    if not -60 <= age_s <= within_s:
        return Verdict.unknown(CHECK, f"{sentence}: {again}", **numbers)
    return Verdict.passed(CHECK, sentence, **numbers)
