"""What a power cut or a kill left: recovered, read at rest, served on a copy, served again."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from chromadrill.checks.acknowledged import lost_writes
from chromadrill.checks.power_cut import USABLE, class_of
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.model import Acknowledged, CollectionInfo, Outcome, Page, PowerCut, ServedData
from chromadrill.core.plural import plural
from chromadrill.drill.validate import validate_files
from chromadrill.recovery.replay import replay_into
from chromadrill.recovery.salvage.readable_store import readable_store
from chromadrill.recovery.salvage.reading import WholeRecords, read_all
from chromadrill.targets.disk.cut_disk import recover_data
from chromadrill.targets.process.private_copy import private_copy
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.changing_writer import UPDATE, ChangingWriter
from chromadrill.workload.writer import complete_writes, random_vector

DEADLINE_S = 30.0  # for one call, on a machine that does other things
END_S = 1.0  # from a crash to its supervisor's end
WRITTEN_ON = 1_200  # writes after a restart; the index is flushed after 1,000
SAMPLE = 30  # records that are asked for by their own vector
DATA = "data"  # the server's directory on the disk


def judge_cut(cut: PowerCut, image: Path, writes: CollectionInfo, kind: str = "ext4") -> PowerCut:
    """The cut with what was seen of its image, a file system of that kind, which is removed."""
    data = image.with_suffix(".data")
    try:
        recover_data(image, DATA, data, kind)
        image.unlink()
        return judge_files(cut, data, writes)
    except DrillError as error:
        return dataclasses.replace(cut, error=str(error))
    finally:
        image.unlink(missing_ok=True)
        shutil.rmtree(data, ignore_errors=True)


def judge_files(
    cut: PowerCut, data: Path, writes: CollectionInfo, *, goes_on: bool = False
) -> PowerCut:
    """The cut with what was seen of the data directory that it left, which is not changed.

    `goes_on`: after the restart the records are written anew, past the next flush of the index.
    """
    into = data.with_suffix(".replayed")
    try:
        cut = dataclasses.replace(cut, at_rest=_read_at_rest(data))
        # no scopes: ready is who has a heartbeat, and a crash at the first question is no failed start
        with private_copy(data, ()) as target:
            served = _serve(target, writes)
            cut = dataclasses.replace(cut, served=served)
            if served.start_error is None and not served.died:
                target.stop()
                restarted = _serve(target, writes)
                cut = dataclasses.replace(cut, restarted=restarted)
                if goes_on and class_of(cut) in USABLE:
                    written_on = write_on(target.url, writes, cut.ledger)
                    cut = dataclasses.replace(cut, written_on=written_on)
        if class_of(cut) not in USABLE:
            cut = dataclasses.replace(
                cut, replayed=_replay(data, into, writes), salvaged=_salvage(data, writes)
            )
    except DrillError as error:
        return dataclasses.replace(cut, error=str(error))
    finally:
        shutil.rmtree(into, ignore_errors=True)
    return cut


def write_on(url: str, writes: CollectionInfo, before: Sequence[Acknowledged]) -> ServedData:
    """Write records anew until the index was flushed once more; what the server then gives back.

    A server whose index stands still counts right, and finds its old vectors.
    """
    with ChangingWriter(
        url, writes, batch=200, pause_s=0.0, vectors=random_vector, before=before, turns=(UPDATE,)
    ) as writer:
        try:
            writer.wait_for(len(before) + WRITTEN_ON)
        except Unavailable as error:
            return ServedData(errors=(f"written to again: {error}",))
    answers = ask(url, writes)
    if lost := lost_writes(writer.ledger(), answers.present):
        sentence = f"{plural(len(lost), 'write')} of after the restart not there: {lost[0].id}"
        return dataclasses.replace(answers, errors=(*answers.errors, sentence))
    return answers


def _replay(data: Path, into: Path, writes: CollectionInfo) -> ServedData | None:
    """What a server gives back whose damaged index was dropped; None: its queue is not whole."""
    try:
        if not replay_into(data, into).is_whole:
            return None
    except DrillError:
        return None
    with private_copy(into, ()) as target:
        return _serve(target, writes)


def _salvage(data: Path, writes: CollectionInfo) -> ServedData | None:
    """What salvage brings out of the files, without a server; None: nothing can be read."""
    pages: list[Page] = []

    def take(collection: WholeRecords, sound: Iterator[Page]) -> None:
        if collection.info.key == writes.key:
            pages.extend(sound)

    try:
        with readable_store(data) as readable:
            read_all(readable, None, lambda loss: None, lambda records: None, take)
    except DrillError:
        return None
    records = sum(len(page.ids) for page in pages)
    present = complete_writes(pages, vectors=random_vector)
    return ServedData(present, records, records - len(present))


def _read_at_rest(data: Path) -> str | None:
    """The first thing that the check suite found in the files; None: nothing."""
    verdicts = validate_files(data, (), None, None, serve=False).verdicts
    bad = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    return f"{bad[0].check}: {bad[0].message}" if bad else None


def _serve(target: ProcessTarget, writes: CollectionInfo) -> ServedData:
    try:
        try:
            target.start()
        except Refused:
            # a program that another judge just started held the lock that was only looked at
            time.sleep(END_S)
            target.start()
    except DrillError as error:
        return ServedData(start_error=str(error))
    data = ask(target.url, writes)
    if (
        data.errors
    ):  # a server that crashed answers nothing, and its supervisor outlives it a little
        with contextlib.suppress(DrillError):
            wait_until(lambda: not target.running(), within_s=END_S, name="the server's end")
    return dataclasses.replace(data, died=not target.running())


def ask(url: str, writes: CollectionInfo) -> ServedData:
    """Count, give back every record with its vector, and look for a sample of them by their own."""
    errors: list[str] = []
    present: dict[str, int] = {}
    count = records = sampled = not_found = 0
    with Chroma(url, timeout_s=DEADLINE_S) as chroma:
        try:
            collection = chroma.collection(writes.scope, writes.name)
            count = chroma.count(collection)
            pages = list(chroma.pages(collection))
            records = sum(len(page.ids) for page in pages)
            present = complete_writes(pages, vectors=random_vector)
            sample = list(present)[:: max(1, len(present) // SAMPLE)][:SAMPLE]
            if sampled := len(sample):
                vectors = np.stack([random_vector(present[record]) for record in sample])
                nearest = chroma.query(collection, vectors, n_results=1)["ids"]
                not_found = sum(
                    record not in ids for record, ids in zip(sample, nearest, strict=True)
                )
        except CallFailed as error:
            errors.append(str(error)[:300])
    return ServedData(present, count, records - len(present), sampled, not_found, tuple(errors))
