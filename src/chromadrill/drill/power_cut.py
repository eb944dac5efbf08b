"""Power cuts of a server in full flow: many cuts of one run of the server, each judged for itself.

A round is a new disk with a new server on it, and one client that writes without pause, then stops.
Cuts are at random moments, most while it writes, some up to `idle_s` after its last write.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from chromadrill.chroma.connection import connect
from chromadrill.core import process_tags
from chromadrill.core.clock import now, wait_until
from chromadrill.core.model import Acknowledged, CollectionInfo, PowerCut, Scope
from chromadrill.drill.cut_judge import DATA, judge_cut
from chromadrill.recovery.replay import keep_queue
from chromadrill.targets.disk.cut_disk import MB, MEGABYTES, CutDisk, cut_disk
from chromadrill.targets.disk.mounts import PREFIX, run_tool
from chromadrill.targets.process.private_copy import scratch_target
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.writer import Writer, random_vector

OF_A_ROUND = 20  # cuts of one server: its store stays small, and a judge is fast
IDLE_SHARE = 0.25
SECONDS_OF_A_CUT = 0.6  # of writing, for each cut in it
WARM_UP = 1_200  # writes that are on the disk before the first cut: the index was flushed once
BATCH, PAUSE_S = 200, 0.1
JUDGES = 2
REST_S = 0.5  # index files that were not written for so long are not being written

Beside = Callable[[Path], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class CutPlan:
    """`tries` cuts. `beside`: what runs beside the server, given its data directory.

    `kind`: the disk's file system. `mount_options`: of it, besides its own. `freezes`: it is frozen
    around each, as for a snapshot, once the index files are at rest; then it is no power cut.
    `purges`: the server forgets in its queue what its index has, as it does by default. `idle_s`: the
    longest that a cut comes after the last write. `seed`: of the moments. `at_half` is called when half
    of the cuts of a server were made.
    """

    tries: int
    beside: Beside = lambda _: nullcontext()
    idle_s: float = 40.0
    seed: int = 0
    mount_options: tuple[str, ...] = ()
    freezes: bool = False
    purges: bool = True
    kind: str = "ext4"
    at_half: Callable[[], None] = lambda: None


def cut_power(plan: CutPlan, say: Callable[[str], None] = lambda _: None) -> list[PowerCut]:
    """Cut so many times, and judge each. Raises Unavailable where no such disk can be made."""
    moments = random.Random(plan.seed)
    images = process_tags.new_folder(PREFIX)
    futures: list[Future[PowerCut]] = []
    judges = ThreadPoolExecutor(JUDGES, "cut judge")
    try:
        while len(futures) < plan.tries:
            of_round = min(OF_A_ROUND, plan.tries - len(futures))
            for cut, image, writes in _round(plan, of_round, len(futures), moments, images):
                futures.append(judges.submit(judge_cut, cut, image, writes, plan.kind))
            say(
                f"{len(futures)} of {plan.tries} cuts made, {sum(f.done() for f in futures)} judged"
            )
        return [future.result() for future in futures]
    finally:
        judges.shutdown(cancel_futures=True)
        shutil.rmtree(images, ignore_errors=True)


@contextmanager
def server_on(disk: CutDisk, *, purges: bool = True) -> Iterator[ProcessTarget]:
    """A running server whose data lie on the disk; it ends with this process, however that ends."""
    with scratch_target((Scope(),), room_for=MEGABYTES * MB) as target:
        target.data = disk.folder / DATA
        target.data.mkdir()
        target.start()
        if not purges:
            target.stop()
            keep_queue(target.data)
            target.start()
        yield target


def new_collection(url: str, name: str = "writes") -> CollectionInfo:
    """The collection that is written to, with the server's own settings."""
    with connect(url) as chroma:
        return chroma.create_collection(Scope(), name)


def writer_of(url: str, writes: CollectionInfo, pause_s: float = PAUSE_S) -> Writer:
    """The client that writes: 200 records a call, as an application that embeds in batches does."""
    return Writer(url, writes, batch=BATCH, pause_s=pause_s, vectors=random_vector)


def _round(
    plan: CutPlan, cuts: int, first: int, moments: random.Random, images: Path
) -> Iterator[tuple[PowerCut, Path, CollectionInfo]]:
    idle = round(cuts * IDLE_SHARE)
    busy_s = (cuts - idle) * SECONDS_OF_A_CUT
    while_writing = sorted(moments.uniform(0, busy_s) for _ in range(cuts - idle))
    # as many within the first second as within the last thirty
    afterwards = sorted(plan.idle_s ** moments.uniform(-0.5, 1) for _ in range(idle))
    with (
        cut_disk(MEGABYTES, *plan.mount_options, kind=plan.kind) as disk,
        server_on(disk, purges=plan.purges) as target,
    ):
        writes = new_collection(target.url)
        with plan.beside(target.data), writer_of(target.url, writes) as writer:
            writer.wait_for(WARM_UP)
            # what a server holds that has run for long
            run_tool("sync", "--file-system", str(disk.folder))
            for number, image in _at(while_writing, first, images):
                if number - first - 1 == cuts // 2:
                    plan.at_half()
                yield _cut(disk, writer, number, image, plan.freezes), image, writes
            writer.stop()
            for number, image in _at(afterwards, first + len(while_writing), images):
                yield _cut(disk, writer, number, image, plan.freezes), image, writes


def _at(moments: Sequence[float], first: int, images: Path) -> Iterator[tuple[int, Path]]:
    """Number and image file of each cut, when its moment has come."""
    started = now()
    for number, moment in enumerate(moments, first + 1):
        time.sleep(max(0.0, started + moment - now()))
        yield number, images / f"{number}.img"


def _cut(disk: CutDisk, writer: Writer, number: int, image: Path, freezes: bool) -> PowerCut:
    if freezes:  # a freeze stops a flush half-way as well as anything (measured: 2 of 99)
        wait_until(lambda: _is_at_rest(disk), within_s=30, name="index files at rest", every_s=0.02)
    flushed = last_flush(disk.folder / DATA)
    seen: list[tuple[float, tuple[Acknowledged, ...]]] = []
    # to freeze a busy disk takes a second, in which no process writes to it
    began, asked = now(), time.time()
    with disk.frozen() if freezes else nullcontext():
        disk.cut(image, at_cut=lambda: seen.append((time.time(), tuple(writer.acknowledged))))
    frozen_s = now() - began if freezes else None
    at, ledger = seen[0]
    return PowerCut(
        number,
        at,
        ledger,
        since_write_s=at - ledger[-1].at if ledger else None,
        since_flush_s=max(0.0, asked - flushed) if flushed is not None else None,
        frozen_s=frozen_s,
    )


def _is_at_rest(disk: CutDisk) -> bool:
    flushed = last_flush(disk.folder / DATA)
    return flushed is None or time.time() - flushed > REST_S


def last_flush(data: Path) -> float | None:
    """When a server last wrote index files, by the files' times; None: it has none."""
    times = []
    for file in data.glob("*/*.bin"):
        with contextlib.suppress(FileNotFoundError):
            times.append(file.stat().st_mtime)
    return max(times, default=None)
