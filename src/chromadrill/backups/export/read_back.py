"""The observation of an export: what its file holds, to be compared with a fingerprint."""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from chromadrill.backups.export.types import Reader
from chromadrill.chroma.fingerprint.digests import RECORDS, record_table
from chromadrill.core.model import CollectionPrint, Fingerprint, Observation
from chromadrill.core.progress import Progress, silent


def observe(reader: Reader, *, progress: Progress = silent) -> Observation:
    """Return the digests of every record of the export. Raises ExportRefused for a damaged file."""
    prints: dict[str, CollectionPrint] = {}
    with progress("read back", reader.fingerprint.records) as advance:
        for key, sealed in reader.fingerprint.collections.items():
            tables = [RECORDS.empty_table()]
            for page in reader.pages(key):
                tables.append(record_table(page))
                advance(len(page.ids))
            records = pa.concat_tables(tables).sort_by("id")
            prints[key] = dataclasses.replace(sealed, count=len(records), records=records)
    actual = dataclasses.replace(reader.fingerprint, taken="export", collections=prints)
    return Observation(actual, counts={key: one.count for key, one in prints.items()})


def fingerprint(reader: Reader, *, progress: Progress = silent) -> Fingerprint:
    """Return the whole fingerprint of an export: as sealed, or with records rebuilt from the file.

    Raises ExportRefused for a damaged file.
    """
    sealed = reader.fingerprint
    if all(len(one.records) == one.count for one in sealed.collections.values()):
        return sealed  # a folder keeps the original one, records and all
    return observe(reader, progress=progress).fingerprint
