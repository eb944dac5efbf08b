"""An independent client in its own process: asks questions with known answers at a fixed rate.

    python -m chromadrill.workload.prober URL QUESTIONS.json RESULTS.jsonl

It writes one line for each tick: when the tick was due and done (monotonic seconds, one clock for
all processes of a machine), and whether all answers were right, or one was wrong, an error or a
timeout. It ends with its parent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import orjson

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import now
from chromadrill.core.model import ProbeResult
from chromadrill.workload.queries.known_answer import MALFORMED, KnownAnswer, first_wrong
from chromadrill.workload.timeline import stable_since

RATE = 4.0  # ticks a second
DEADLINE_S = 2.0  # of a call
TICK_S = 5.0  # of all questions of a tick: a server this slow is none


def main() -> None:
    url, questions_file, results_file = sys.argv[1:]
    raw = orjson.loads(Path(questions_file).read_bytes())
    questions = [KnownAnswer.from_json(question) for question in raw]
    parent = os.getppid()
    due = now()
    with Path(results_file).open("ab", buffering=0) as out:
        while os.getppid() == parent:
            out.write(orjson.dumps(probe(url, questions, due)) + b"\n")
            due += max(1, int((now() - due) * RATE)) / RATE  # a slot that passed is not caught up
            time.sleep(max(0.0, due - now()))


def probe(url: str, questions: Sequence[KnownAnswer], due: float) -> ProbeResult:
    """One tick: every question once, on a new connection as a new client would have it."""
    result, detail, late_s = "right", "", now() - due
    try:
        with Chroma(url, timeout_s=DEADLINE_S) as chroma:
            detail = first_wrong(chroma, questions)
            result = "wrong" if detail else "right"
        if not detail and now() - due - late_s > TICK_S:
            result, detail = "timeout", f"{len(questions)} questions took more than {TICK_S:g} s"
    except CallFailed as error:
        missing = error.is_missing
        result = "timeout" if error.is_timeout else "wrong" if missing else "error"
        detail = str(error)[:200]
    except MALFORMED as error:
        result, detail = "error", f"strange answer: {error!r}"
    done = now()
    return ProbeResult(due, done, result, detail, round(late_s, 6), round(time.process_time(), 4))


class Prober:
    """Runs the prober as a process of its own and reads what it saw."""

    def __init__(self, url: str, questions: Sequence[KnownAnswer], folder: Path) -> None:
        self._results_file = folder / "probe results.jsonl"
        self._results: list[ProbeResult] = []
        self._bytes_read = 0
        self._is_stopped = False
        questions_file = folder / "questions.json"
        questions_file.write_bytes(orjson.dumps([question.to_json() for question in questions]))
        self._command = [
            sys.executable, "-m", "chromadrill.workload.prober", url, str(questions_file),
            str(self._results_file),
        ]  # fmt: skip

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process; what it saw stays. Twice is once."""
        self._is_stopped = True
        self._process.terminate()
        self._process.wait(10)

    def probe_results(self) -> list[ProbeResult]:
        """Everything seen so far, oldest first; a line being written is left for the next call."""
        with suppress(FileNotFoundError), self._results_file.open("rb") as file:
            file.seek(self._bytes_read)  # it is asked many times a second, and grows
            for line in file:
                if line.endswith(b"\n"):
                    self._results.append(ProbeResult(**orjson.loads(line)))
                    self._bytes_read += len(line)
        return list(self._results)

    def first_wrong(self, since: float) -> ProbeResult | None:
        """The first probe result after `since` that was not right."""
        return next(
            (r for r in self.probe_results() if r.due >= since and r.result != "right"), None
        )

    def stable_since(self, since: float) -> float | None:
        """See `timeline.stable_since`; monotonic seconds."""
        return stable_since(self.probe_results(), since)

    @property
    def has_died(self) -> bool:
        """Whether it ended by itself: then nobody knows what clients have seen since."""
        return not self._is_stopped and self._process.poll() is not None


if __name__ == "__main__":
    main()
