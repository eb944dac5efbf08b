"""What the independent prober of a scenario sees: its probe results, waited for and cut to a view."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import ClientView, ProbeResult
from chromadrill.workload.prober import Prober
from chromadrill.workload.timeline import view, windows

SEEN_S = 30.0


class Watch:
    """One prober's watch; `note` writes a fact into the ledger, `ended` holds all its results."""

    def __init__(self, prober: Prober, note: Callable[..., None]) -> None:
        self._prober, self._note = prober, note
        self.ended: list[ProbeResult] | None = None

    def end(self) -> list[ProbeResult]:
        """The prober stops asking; twice is once."""
        if self.ended is None:
            self._prober.stop()
            self.ended = self._prober.probe_results()
            self._note("probe results", **_facts(self.ended))
        return self.ended

    def first_wrong(self, since: float) -> ProbeResult | None:
        """The first answer that was not right, asked after `since`; None: none within 30 s."""
        try:
            return wait_until(
                lambda: self._prober.first_wrong(since), within_s=SEEN_S, name="a client to see it"
            )
        except Unavailable:
            return None

    def stable(self, damaged: float, *, within_s: float) -> float:
        """When stable answers began, after the damage was seen. Raises Unavailable: never."""
        wrong = self._prober.first_wrong(damaged)
        since = wrong.due if wrong else damaged
        return wait_until(
            lambda: self._prober.stable_since(since), within_s=within_s, name="stable answers"
        )

    def on_from(self, begin: float, *, for_s: float) -> ClientView:
        """Watch on; a prober that saw too little of it leaves it unwatched."""
        end = begin + for_s
        with suppress(Unavailable):
            wait_until(
                lambda: any(each.due > end for each in self._prober.probe_results()),
                within_s=3 * for_s + SEEN_S,
                name="the prober to go on",
            )
        return view(self._prober.probe_results(), begin, end)

    def between(self, begin: float, end: float | None) -> ClientView:
        """What clients saw; `end` None: to the last answer. Ends the watch."""
        seen = self.end()
        last = seen[-1].done if seen else now()
        return view(seen, begin, last if end is None else end)


def _facts(seen: list[ProbeResult]) -> dict[str, object]:
    offset = time.time() - now()  # the record's clock is UTC, the prober's is monotonic
    results = [each.result for each in seen]
    return {
        "results": {each: results.count(each) for each in sorted(set(results))},
        "windows": [
            {"from": w.begin + offset, "to": w.end + offset, "result": w.result}
            for w in windows(seen)
        ],
        # raw: due (UTC epoch seconds), milliseconds from then to the answer, result
        "ticks": [
            [round(s.due + offset, 3), round(1000 * (s.done - s.due), 1), s.result] for s in seen
        ],
    }
