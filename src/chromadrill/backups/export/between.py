"""An export of a database that clients write to, kept with how much of it is proven.

It is read three times: a recording, the records of the file, another recording. What is the same in both
recordings must be exactly so in the file. What changed meanwhile is in it as it was at some time between
the two, and the file says how much of it that is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from chromadrill.backups.export import formats, read_back, types
from chromadrill.backups.export.atomic_output import followed, new_file, require_free
from chromadrill.backups.export.exporter import Export, inventory, require_one_for_parquet
from chromadrill.backups.export.replaced_file import require_nothing_lost
from chromadrill.backups.export.requirements import LargestRecords, requirements
from chromadrill.backups.export.types import ExportWriter, TornExport
from chromadrill.backups.under_writers import coverage_facts
from chromadrill.checks.suite import judge_between, judge_content
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.digests import NO_RECORDS, record_table
from chromadrill.chroma.fingerprint.recording import pages_by_id, record_server
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import size_of
from chromadrill.core.model import (
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Observation,
    Outcome,
    Page,
    Scope,
)
from chromadrill.core.model.window import BackupWindow
from chromadrill.core.progress import Advance, Progress, silent
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool

COVERAGE = "coverage"


def export_between(
    chroma: Chroma,
    path: Path,
    *,
    scopes: Sequence[Scope],
    name: str | None = None,
    replace: bool = False,
    progress: Progress = silent,
    suffix: str | None = None,
) -> Export:
    """Export the collections of `scopes` (or those called `name`) while clients write to them.

    The export has its `coverage`, and the verdict on it: PASS, or UNKNOWN where too little is proven.
    Raises TornExport where a record that did not change meanwhile is not in it as it is, Unavailable
    for a sick server; the file is kept in neither case. Else as `exporter.export`.
    """
    suffix = formats.suffix_of(path.name) if suffix is None else suffix
    path = followed(path)
    require_free(path, suffix)
    try:
        with new_file(path) as partial:
            task = _Task(chroma, tuple(scopes), name, progress)
            export = task.write(partial, path, suffix, replace=replace)
    except CallFailed as error:
        raise Unavailable(f"{chroma.url}: {error}. Nothing was kept.") from error
    return dataclasses.replace(export, path=path, bytes=size_of(path))


class _Task:
    def __init__(
        self, chroma: Chroma, scopes: tuple[Scope, ...], name: str | None, progress: Progress
    ) -> None:
        self._chroma, self._scopes, self._name = chroma, scopes, name
        self._progress = progress
        self._records = LargestRecords()
        self._spool = Spool()

    def write(self, partial: Path, path: Path, suffix: str, *, replace: bool) -> Export:
        infos = inventory(self._chroma, self._scopes, self._name)
        require_one_for_parquet(suffix, infos)
        before = self._record("fingerprint before", {info.key for info in infos})
        if not replace:
            require_nothing_lost(path, before)
        # what they will hold is known when they were read
        planned = dataclasses.replace(
            before,
            collections={
                info.key: before.collections.get(info.key) or CollectionPrint(info, 0, NO_RECORDS)
                for info in infos
            },
        )
        about = {"name": path.name, "url": self._chroma.url}
        out: ExportWriter = formats.writer(suffix)(partial, planned, about=about)
        begun_at = utc_now()
        try:
            with self._progress("export", before.records) as advance:
                prints = dict(self._write_collections(out, planned, advance))
            own = dataclasses.replace(
                before, taken_at=begun_at, finished_at=utc_now(), collections=prints
            )
            after = self._record("fingerprint after", {*prints, *before.collections})
            window = BackupWindow(before, after)
            counts = {key: one.count for key, one in prints.items()}
            verdicts, coverage = judge_between(Observation(own, counts=counts), window)
            (covered,) = (verdict for verdict in verdicts if verdict.check == COVERAGE)
            wrong = [v for v in verdicts if v is not covered and v.outcome is not Outcome.PASS]
            if wrong or covered.outcome is Outcome.FAIL:
                raise TornExport("; ".join(f"{v.check}: {v.message}" for v in wrong or [covered]))
            facts = coverage_facts(coverage, window)
            requires = requirements(own, self._records)
            out.seal(requires, facts)
        finally:
            out.close()
        self._require_whole(own, formats.reader(suffix)(partial))
        return Export(path, own, 0, 1, requires, coverage=facts, covered=covered)

    def _record(self, title: str, keys: Collection[str]) -> Fingerprint:
        """A recording of these collections. Raises Unavailable where records have lost their vectors."""
        with self._progress(title, 0) as advance:
            recording = record_server(
                self._chroma, self._scopes, whole_tenants=False, advance=advance
            )
        for key, ids in recording.without_vector.items():
            if key in keys:
                raise _damage_error(self._chroma, key, ids)
        collections = {
            key: one
            for key, one in recording.fingerprint.collections.items()
            if key in keys or (self._name is not None and one.info.name == self._name)
        }
        return dataclasses.replace(recording.fingerprint, collections=collections)

    def _write_collections(
        self, out: ExportWriter, planned: Fingerprint, advance: Advance
    ) -> Iterator[tuple[str, CollectionPrint]]:
        """Write every collection that is still there; yield its key with what was written of it."""
        for key, plan in planned.collections.items():
            pages = self._pages(plan.info)
            first = next(pages, None)
            if first is None and not self._is_there(plan.info):
                continue  # dropped meanwhile: nothing of it is in the file
            info = plan.info
            if first is not None and info.dimension is None:
                info = dataclasses.replace(info, dimension=first.vectors.shape[1])
            out.begin(info)
            sorter = Sorter(self._spool)
            for page in _chain(first, pages):
                if page.without_vector:
                    ids = [page.ids[row] for row in page.without_vector]
                    raise _damage_error(self._chroma, key, ids)
                out.write(page)
                sorter.add(record_table(page))
                self._records.add(key, page)
                advance(len(page.ids))
            records = sorter.records()
            written = CollectionPrint(info, len(records), records)
            out.amend(written)
            yield key, written

    def _pages(self, info: CollectionInfo) -> Iterator[Page]:
        """Its records as they are now; they end where the collection is dropped."""
        try:
            yield from pages_by_id(self._chroma, info)
        except CallFailed:
            if self._is_there(info):
                raise

    def _is_there(self, info: CollectionInfo) -> bool:
        try:
            return self._chroma.count(info) >= 0
        except CallFailed as error:
            if error.is_missing:
                return False
            raise

    def _require_whole(self, own: Fingerprint, written: types.Reader) -> None:
        """Read the file back: it must hold what was written to it."""
        observation = read_back.observe(written, progress=self._progress)
        wrong = [v for v in judge_content(observation, own) if v.outcome is not Outcome.PASS]
        if wrong:
            raise Unavailable(
                f"The file does not hold what was written to it: {wrong[0].message}. Nothing was kept."
            )


def _chain(first: Page | None, rest: Iterator[Page]) -> Iterator[Page]:
    if first is not None:
        yield first
        yield from rest


def _damage_error(chroma: Chroma, key: str, ids: Sequence[str]) -> Unavailable:
    return Unavailable(
        f"{chroma.url}: damaged: {key}: {len(ids)} records have no vector, e.g. '{ids[0]}'. Nothing was"
        " kept.",
        next_step="The same command with --skip-damaged and without --between exports the rest.",
    )
