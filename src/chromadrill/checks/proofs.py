"""Is a source of the user's own backups known to restore? What was tried, in; a verdict, out."""

from __future__ import annotations

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
    newest_tried: tuple[str, Outcome] | None,
) -> Verdict:
    """Whether a restore of `source` was proven within `within_s` seconds, and none newer failed.

    `newest_tried`: id and outcome of the newest backup that was ever tried, None where none was.
    """
    again = f"chromadrill prove {source}"
    if newest_tried and newest_tried[1] is Outcome.FAIL:
        message = f"{newest_tried[0]}, the newest that was tried, is NOT PROVEN: {again}"
        return Verdict.failed(CHECK, message)
    if proven_at is None:
        return Verdict.unknown(CHECK, f"no backup of {source} is proven: {again}")
    age_s = (now - parse_time(proven_at)) / timedelta(seconds=1)
    sentence = f"last proven {age_s / 86_400:.1f} days ago, {within_s / 86_400:.1f} allowed"
    numbers = {"actual": age_s, "limit": within_s, "unit": "s"}
    if not -60 <= age_s <= within_s:
        return Verdict.unknown(CHECK, f"{sentence}: {again}", **numbers)
    return Verdict.passed(CHECK, sentence, **numbers)
