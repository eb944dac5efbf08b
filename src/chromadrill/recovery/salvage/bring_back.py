"""Bring back what is left: an export of every sound record, and a new data directory made from it.

The index is built anew by a real server that is filled through its API; nothing of the damaged files is
copied. Killed at any moment, the original is as it was, and what was begun says that it is unfinished.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chromadrill.backups.export import formats, importer
from chromadrill.backups.export.atomic_output import followed, new_file, require_free
from chromadrill.backups.export.requirements import LargestRecords, requirements
from chromadrill.backups.export.types import ExportWriter
from chromadrill.backups.files import flush_folder
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import CallFailed
from chromadrill.chroma.connection import connect
from chromadrill.chroma.fingerprint.digests import NO_RECORDS, record_table
from chromadrill.core import process_tags
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.files import size_of
from chromadrill.core.model import CollectionPrint, Fingerprint, Outcome, Page, Scope, Verdict
from chromadrill.core.progress import Progress, silent
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool
from chromadrill.recovery.salvage.findings import Findings
from chromadrill.recovery.salvage.guards import (
    refuse_in_use,
    require_plain_database,
    require_rooms,
    require_unchanged,
    stamps_of,
)
from chromadrill.recovery.salvage.loss_list import LossList
from chromadrill.recovery.salvage.mending import shortest_way
from chromadrill.recovery.salvage.quick_ways import Plan
from chromadrill.recovery.salvage.readable_store import PREFIX, ReadableStore, readable_store
from chromadrill.recovery.salvage.reading import (
    NO_OTHERS,
    NoteLoss,
    OtherVectors,
    WholeRecords,
    read_all,
)
from chromadrill.recovery.salvage.unfinished import require_new, unfinished_folder
from chromadrill.targets.process.target import ProcessTarget

DEADLINE_S = 120.0
LOSSES = ".losses.jsonl"
PARQUET = ".parquet"
_SAID = 5  # problems


@dataclasses.dataclass(frozen=True, slots=True)
class Salvage:
    """What was found, and what was made of it. `verdicts`: of the new database, against the export.

    `plan`: the quick ways that would do, where some would. `written`: None where nothing could be had.
    `losses`: the list, None where nothing was lost.
    """

    findings: Findings
    plan: Plan | None = None
    verdicts: list[Verdict] = dataclasses.field(default_factory=list)
    written: Path | None = None
    losses: Path | None = None


def look_at(
    path: Path,
    before: Fingerprint | None = None,
    *,
    losses: Path | None = None,
    others: OtherVectors = NO_OTHERS,
    progress: Progress = silent,
) -> Salvage:
    """Look at a damaged store; only `losses` is written. Raises as `readable_store` does."""
    require_plain_database(path)
    refuse_in_use(path)
    stamps = stamps_of(path)
    with (
        readable_store(path, before) as readable,
        LossList(losses) as lost,
        progress("read", readable.record_count) as advance,
    ):
        findings = read_all(readable, before, lost.note, advance, _throw_away, others)
    plan = None
    if not findings.is_paged:  # what no record loses: links between rows, the full-text index
        plan, problems = shortest_way(path)
        if findings.is_whole:
            findings.damage += problems[:_SAID]
        has_two_texts = any(one.documents_doubtful for one in findings.collections)
        if has_two_texts or not findings.is_from_queue(plan.keys):
            plan = None
    require_unchanged(path, stamps)
    return Salvage(findings, plan if plan and plan.ways else None, losses=lost.written)


def bring_back(
    path: Path,
    into: Path,
    before: Fingerprint | None = None,
    *,
    losses: Path | None = None,
    others: OtherVectors = NO_OTHERS,
    progress: Progress = silent,
) -> Salvage:
    """Make a new data directory, or an export, of everything in `path` that is sound.

    `into`: a name with the suffix of an export is one; every other one is a new data directory. Raises
    Refused where it exists or there is no room, Unavailable where nothing can be read, UsageError for a
    Parquet file.
    """
    into = followed(into)
    is_export = into.name.lower().endswith(formats.SUFFIXES)
    suffix = formats.suffix_of(into.name) if is_export else ""
    if suffix == PARQUET:
        raise UsageError(
            f"{into}: a Parquet file has its columns before its first record, and those of a damaged"
            " store are known after its last. Nothing was written.",
            next_step="Name an export that ends in .jsonl.zst, or a new data directory.",
        )
    require_free(into, suffix)
    require_new(into)
    losses = losses or into.with_name(into.name + LOSSES)
    require_plain_database(path)
    refuse_in_use(path)
    process_tags.sweep_folders(PREFIX)
    size, stamps = size_of(path), stamps_of(path)
    scratch_place = Path(tempfile.gettempdir())
    require_rooms(
        [(into.parent, size)] if is_export else [(into.parent, 2 * size), (scratch_place, size)]
    )
    with readable_store(path, before) as readable, LossList(losses) as lost:
        if is_export:
            with new_file(into) as partial:
                findings = _export(readable, partial, into, before, lost.note, others, progress)
                require_unchanged(path, stamps)
            return Salvage(findings, written=into, losses=lost.written)
        scratch = process_tags.new_folder(PREFIX)
        try:
            file = scratch / "sound.jsonl.zst"
            with unfinished_folder(into) as unfinished:
                findings = _export(readable, file, file, before, lost.note, others, progress)
                require_unchanged(path, stamps)
                verdicts: list[Verdict] = []
                if findings.has_anything:
                    verdicts = _serve_and_fill(file, into, unfinished, progress)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Salvage(findings, None, verdicts, into if into.exists() else None, lost.written)


def _export(
    readable: ReadableStore,
    partial: Path,
    path: Path,
    before: Fingerprint | None,
    note_loss: NoteLoss,
    others: OtherVectors,
    progress: Progress,
) -> Findings:
    """Write an export of the sound records. Its fingerprint is what was written."""
    store = readable.store
    scopes = tuple(Scope(tenant, database) for tenant, database in store.databases())
    planned = Fingerprint(utc_now(), "at rest", dict(store.versions), scopes, scopes, {})
    spool, largest, prints = Spool(), LargestRecords(), dict[str, CollectionPrint]()
    suffix = formats.suffix_of(path.name)
    out: ExportWriter = formats.writer(suffix)(
        partial, planned, about={"name": path.name, "salvaged": True}
    )

    def take(collection: WholeRecords, pages: Iterator[Page]) -> None:
        info = collection.info
        out.begin(info)
        sorter = Sorter(spool)
        for page in pages:
            out.write(page)
            sorter.add(record_table(page))
            largest.add(info.key, page)
        records = sorter.records() if sorter else NO_RECORDS
        prints[info.key] = CollectionPrint(info, len(records), records)
        out.amend(prints[info.key])

    try:
        with progress("read", readable.record_count) as advance:
            findings = read_all(readable, before, note_loss, advance, take, others)
        own = dataclasses.replace(planned, collections=prints, finished_at=utc_now())
        out.seal(requirements(own, largest))
    finally:
        out.close()
    return findings


def _serve_and_fill(
    export: Path, into: Path, unfinished: Path, progress: Progress
) -> list[Verdict]:
    """Fill a server of ours on a new folder, prove what it holds, and give the folder its name."""
    home = process_tags.new_folder(PREFIX)
    try:
        target = ProcessTarget(home / "home", name="salvage", owner=os.getpid())
        target.data.rmdir()
        target.data.symlink_to(unfinished.resolve())
        try:
            target.start()
            verdicts = _fill(target.url, export, progress)
            target.stop()
        except (CallFailed, Unavailable) as error:
            raise Unavailable(
                f"The new server did not take in all records: {error.sentence.rstrip('.')}."
                " Nothing was written.",
                next_step=f"Is there room in {into.parent}? Then repeat the command.",
            ) from error
        finally:
            target.kill()
        if outcome_of(verdicts) is Outcome.PASS:
            unfinished.replace(into)
            flush_folder(into.parent)
        return verdicts
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _fill(url: str, export: Path, progress: Progress) -> list[Verdict]:
    reader = formats.open_export(export)
    with connect(url, timeout_s=DEADLINE_S) as chroma:
        for scope in reader.fingerprint.scopes:  # also those that hold nothing
            if not chroma.tenant_exists(scope.tenant):
                chroma.create_tenant(scope.tenant)
            if scope.database not in chroma.databases(scope.tenant):
                chroma.create_database(scope)
        return importer.restore(chroma, reader, progress=progress)


def _throw_away(collection: WholeRecords, pages: Iterator[Page]) -> None:
    for _ in pages:
        pass
