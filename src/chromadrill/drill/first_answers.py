"""When a restored server gave its first stable right answers: three questions in a row."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.core.stopwatch import Stopwatch, timed
from chromadrill.workload.queries.self_queries import self_queries

ANSWERED = "answered"
IN_A_ROW = 3
WITHIN_S = 10.0  # after a start that ended with a real answer: what is wrong then stays so


def time_first_answers(
    url: str, scopes: Sequence[Scope], clock: Stopwatch | None, *, within_s: float = 0.0
) -> None:
    """Ask until three answers in a row are right; without them the clock has no phase ANSWERED.

    `within_s`: how long the first search may take, where an index is large.
    """
    if clock is None:
        return
    limit_s = max(WITHIN_S, within_s)
    with suppress(Unavailable), timed(clock, ANSWERED):
        wait_until(lambda: _answers_right(url, scopes, limit_s), within_s=limit_s, name="answers")


def _answers_right(url: str, scopes: Sequence[Scope], limit_s: float) -> bool:
    """Records asked for by their own vectors come back; where none can be asked for, the lists come.

    Whether these are the right records, the check suite says, which the time is void without.
    """
    try:
        with Chroma(url, timeout_s=limit_s) as chroma:
            questions = self_queries(chroma, scopes, IN_A_ROW)
    except CallFailed:
        return False
    return not questions.missed
