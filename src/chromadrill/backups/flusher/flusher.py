"""The flusher: the volume is synced when index files were written, and on a schedule.

It changes nothing and needs no more than to read: a volume mounted read-only beside the server will
do. Its heartbeat is a file, which tells others whether it lives.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from chromadrill.backups.flusher.index_watch import IndexWatch
from chromadrill.backups.flusher.kernel import sync_volume
from chromadrill.core.clock import now, parse_time, utc_now
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import write_atomic

DATABASE = "chroma.sqlite3"
MISSED = 3  # intervals without a sign of life
AHEAD_S = 60.0  # clocks differ so much; one that was set back makes no dead flusher alive


@dataclass(slots=True)
class FlushCounts:
    """What a flusher did: `syncs` on schedule, of which `late` took longer than the interval.

    `index_flushes`: syncs of the volume because index files were written.
    """

    syncs: int = 0
    late: int = 0
    longest_s: float = 0.0
    index_flushes: int = 0


def flush(
    data: Path,
    *,
    every_s: float,
    stop: threading.Event,
    is_orphan: Callable[[], bool] = lambda: False,
    heartbeat: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> FlushCounts:
    """Flush until `stop` is set, and once more then. Raises Unavailable where there are no data.

    `is_orphan`: whether the process is gone that it was started for; then it ends as well.
    """
    if not (data / DATABASE).is_file():
        raise Unavailable(
            f"{data} holds no {DATABASE}: it is no data directory of Chroma.",
            next_step="Name the directory that the server runs on: chroma run --path DATA",
        )
    counts = FlushCounts()
    with IndexWatch(data) as watch:
        while True:
            is_last = stop.is_set() or is_orphan()
            seconds = _sync(data)
            counts.syncs += 1
            counts.longest_s = max(counts.longest_s, seconds)
            if watch.error:
                raise Unavailable(f"{data}: index files are no longer seen: {watch.error}")
            counts.index_flushes = watch.syncs
            if seconds > every_s:
                counts.late += 1
                say(
                    f"A sync took {seconds:.1f} s, and one is wanted every {every_s:g} s: the disk is"
                    " too slow for it, and a cut may lose more."
                )
            if heartbeat:
                _beat(heartbeat, data, every_s, counts)
            if is_last:
                return counts
            stop.wait(max(0.0, every_s - seconds))


def is_alive(heartbeat: Path) -> tuple[bool, str]:
    """Whether the flusher of that heartbeat lives, and why in a sentence.

    A flusher whose syncs are late has a younger heartbeat than a dead one all the same: it is written
    after each. Raises Unavailable where the file is there and cannot be read.
    """
    try:
        beat = json.loads(heartbeat.read_bytes())
        age_s = parse_time(utc_now()).timestamp() - parse_time(str(beat["at"])).timestamp()
        every_s, longest_s = float(beat["every_s"]), float(beat["longest_s"])
    except FileNotFoundError:
        return False, f"{heartbeat} is not there: no flusher has run"
    except OSError as error:
        raise Unavailable(
            f"{heartbeat} cannot be read: {error.strerror}: nobody knows whether the flusher lives."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        return False, f"{heartbeat} is no heartbeat of a flusher: {error}"
    if age_s < -AHEAD_S:
        return False, f"{heartbeat} is dated in the future: {beat['at']}"
    limit_s = MISSED * max(every_s, longest_s, 1.0)
    sentence = f"the last sync was {max(0.0, age_s):.1f} s ago, {limit_s:g} s are allowed"
    return age_s <= limit_s, sentence


def _sync(data: Path) -> float:
    started = now()
    try:
        sync_volume(data)
    except FileNotFoundError as error:
        raise Unavailable(f"{data} is gone: nothing is flushed any more.") from error
    return now() - started


def _beat(heartbeat: Path, data: Path, every_s: float, counts: FlushCounts) -> None:
    beat = {"at": utc_now(), "pid": os.getpid(), "data": str(data), "every_s": every_s}
    write_atomic(heartbeat, json.dumps({**beat, **asdict(counts)}) + "\n")
