"""SIGKILLs of a server that writes an index: many, each judged for itself.

Each is on a private copy of one store, with a client that writes records anew, adds and deletes.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chromadrill.chroma.connection import connect
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Acknowledged, CollectionInfo, PowerCut, Scope
from chromadrill.disasters.kill_within_flush import Aim, KillWithinFlush
from chromadrill.drill.cut_judge import judge_files
from chromadrill.drill.power_cut import last_flush
from chromadrill.targets.process.private_copy import private_copy, scratch_target
from chromadrill.workload.changing_writer import ChangingWriter
from chromadrill.workload.writer import random_vector

RECORDS, BATCH = 2_000, 100
ROOM = 50_000_000
PARALLEL = 2
FIRST_FILE_S = 0.02  # within which a whole index was written (measured: a few milliseconds)


@dataclass(frozen=True, slots=True)
class Store:
    """A stopped store whose index was flushed, and what was written to it."""

    data: Path
    writes: CollectionInfo
    ledger: Sequence[Acknowledged]


@contextmanager
def store_with_index() -> Iterator[Store]:
    """A store of 2,000 records with the server's own settings; removed afterwards."""
    with scratch_target((Scope(),), room_for=ROOM) as target:
        target.start()
        with connect(target.url) as chroma:
            writes = chroma.create_collection(Scope(), "writes")
        with ChangingWriter(
            target.url, writes, batch=BATCH, pause_s=0.0, vectors=random_vector, turns=("new",)
        ) as writer:
            writer.wait_for(RECORDS)
        target.stop()
        yield Store(target.data, writes, writer.ledger())


def kill_servers(
    store: Store, aim: Aim, tries: int, seed: int, say: Callable[[str], None] = lambda _: None
) -> list[PowerCut]:
    """So many kills at that moment, and what each left."""
    moments = random.Random(seed)
    # the list of ids is empty for less than a millisecond or two
    delays_s = [moments.uniform(0, FIRST_FILE_S) if aim is Aim.FILES else 0.0 for _ in range(tries)]
    with ThreadPoolExecutor(PARALLEL, "kill") as pool:
        kills = pool.map(
            lambda number, delay_s: _kill(store, KillWithinFlush(aim, delay_s), number),
            range(1, tries + 1),
            delays_s,
        )
        judged = []
        for kill in kills:
            judged.append(kill)
            say(f"{len(judged)} of {tries} kills judged")
    return judged


def _kill(store: Store, disaster: KillWithinFlush, number: int) -> PowerCut:
    kill = PowerCut(number, time.time(), (), None, None)
    try:
        with private_copy(store.data, (Scope(),)) as target:
            target.start()
            with ChangingWriter(
                target.url, store.writes, batch=BATCH, pause_s=0.0, vectors=random_vector,
                before=store.ledger, seed=number,
            ) as writer:  # fmt: skip
                disaster.inject(target)
                at = disaster.killed_at or time.time()
            ledger, flushed = tuple(writer.ledger()), last_flush(target.data)
            kill = dataclasses.replace(
                kill,
                at=at,
                ledger=ledger,
                since_write_s=at - ledger[-1].at,
                since_flush_s=at - flushed if flushed is not None else None,
            )
            return judge_files(kill, target.data, store.writes, goes_on=True)
    except DrillError as error:
        return dataclasses.replace(kill, error=str(error))
