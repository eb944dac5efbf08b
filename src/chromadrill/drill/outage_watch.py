"""What the independent prober of a scenario sees: its results, waited for and cut to a view."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import ClientView, ProbeResult
from chromadrill.workload.prober import Prober
from chromadrill.workload.prober_cost import prober_cost
from chromadrill.workload.timeline import view, windows

T = TypeVar("T")
SEEN_WITHIN_S = 30.0


class OutageWatch:
    """One prober's watch; `note` writes a fact into the ledger."""

    def __init__(self, prober: Prober, note: Callable[..., None]) -> None:
        self._prober, self._note = prober, note
        self._results: list[ProbeResult] | None = None

    def end(self) -> list[ProbeResult]:
        """The prober stops asking; twice is once. Returns all that it saw."""
        if self._results is None:
            self._prober.stop()
            self._results = self._prober.probe_results()
            cost = prober_cost(self._results)
            prober = cost.to_json() if cost else None
            self._note("probe results", **_facts(self._results), prober=prober)
        return self._results

    def first_wrong(self, since: float) -> ProbeResult | None:
        """The first answer that was not right, asked after `since`; None: none within 30 s.

        None, too, for a prober that has died: what was damaged is restored first of all.
        """
        try:
            return self._wait(
                lambda: self._prober.first_wrong(since),
                within_s=SEEN_WITHIN_S,
                name="a client to see it",
            )
        except DrillError:
            return None

    def wait_until_stable(self, damaged_at: float, *, within_s: float) -> float:
        """When stable answers began, after the damage was seen. Raises Unavailable: never.

        Raises DrillError for a prober that has died.
        """
        wrong = self._prober.first_wrong(damaged_at)
        since = wrong.due if wrong else damaged_at
        return self._wait(
            lambda: self._prober.stable_since(since), within_s=within_s, name="stable answers"
        )

    def _wait(self, look: Callable[[], T | None], *, within_s: float, name: str) -> T:
        """What the prober sees; of what it does not live to see nothing is known: DrillError."""
        seen: list[T] = []

        def has_ended() -> bool:
            if found := look():
                seen.append(found)
            return bool(seen) or self._prober.has_died

        wait_until(has_ended, within_s=within_s, name=name)
        if not seen:
            raise DrillError(
                "The prober ended by itself: what clients saw since is not known.",
                next_step="Is memory short, or the disk full? Then run it again.",
            )
        return seen[0]

    def keep_watching(self, begin: float, *, for_s: float) -> ClientView:
        """Watch on for so long; time in which the prober did not ask is unwatched."""
        end = begin + for_s
        with suppress(Unavailable):
            wait_until(
                lambda: any(result.due > end for result in self._prober.probe_results()),
                within_s=3 * for_s + SEEN_WITHIN_S,
                name="the prober to go on",
            )
        return view(self._prober.probe_results(), begin, end)

    def view(self, begin: float, end: float | None) -> ClientView:
        """What clients saw; `end` None: to the last answer. Ends the watch."""
        results = self.end()
        last = results[-1].done if results else now()
        return view(results, begin, last if end is None else end)


def _facts(results: Sequence[ProbeResult]) -> dict[str, object]:
    offset = time.time() - now()  # the record's clock is UTC, the prober's is monotonic
    answers = [result.result for result in results]
    return {
        "results": {answer: answers.count(answer) for answer in sorted(set(answers))},
        "windows": [
            {"from": w.begin + offset, "to": w.end + offset, "result": w.result}
            for w in windows(results)
        ],
        # raw: due (UTC epoch seconds), milliseconds from then to the answer, result
        "ticks": [
            [round(r.due + offset, 3), round(1000 * (r.done - r.due), 1), r.result] for r in results
        ],
    }
