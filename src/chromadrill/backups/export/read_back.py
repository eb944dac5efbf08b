"""The observation of an export: what its file holds, to be compared with a fingerprint."""

from __future__ import annotations

import dataclasses

from chromadrill.backups.export.types import Reader
from chromadrill.chroma.fingerprint.digests import record_table
from chromadrill.core.memory import tidied
from chromadrill.core.model import CollectionPrint, Fingerprint, Observation
from chromadrill.core.progress import Progress, silent
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool


def observe(reader: Reader, *, progress: Progress = silent) -> Observation:
    """Return the digests of every record of the export. Raises ExportRefused for a damaged file."""
    prints: dict[str, CollectionPrint] = {}
    spool = Spool()
    with progress("read back", reader.fingerprint.records) as advance:
        for key, sealed in reader.fingerprint.collections.items():
            sorter = Sorter(spool)
            for page in tidied(reader.pages(key)):
                sorter.add(record_table(page))
                advance(len(page.ids))
            records = sorter.records()
            prints[key] = dataclasses.replace(sealed, count=len(records), records=records)
    actual = dataclasses.replace(reader.fingerprint, taken="export", collections=prints)
    return Observation(actual, counts={key: one.count for key, one in prints.items()})


def fingerprint(reader: Reader, *, progress: Progress = silent) -> Fingerprint:
    """Return the whole fingerprint of an export: as sealed, or with records rebuilt from the file.

    Raises ExportRefused for a damaged file.
    """
    if keeps_records(reader):
        return reader.fingerprint
    return observe(reader, progress=progress).fingerprint


def keeps_records(reader: Reader) -> bool:
    """Whether the export keeps the original fingerprint, records and all, as a folder does."""
    collections = reader.fingerprint.collections.values()
    return all(len(one.records) == one.count for one in collections)
