"""What an export holds, as an observation: held against a fingerprint like anything else."""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from chromadrill.backups.export.types import Reader
from chromadrill.chroma.fingerprint.digests import RECORDS, record_table
from chromadrill.core.model import CollectionPrint, Fingerprint, Observation
from chromadrill.core.progress import Progress, silent


def observe(reader: Reader, *, progress: Progress = silent) -> Observation:
    """Digest every record of the export. Raises ExportRefused where it cannot be read."""
    prints: dict[str, CollectionPrint] = {}
    with progress("read back", reader.fingerprint.records) as advance:
        for key, each in reader.fingerprint.collections.items():
            tables = [RECORDS.empty_table()]
            for page in reader.pages(key):
                tables.append(record_table(page))
                advance(len(page.ids))
            records = pa.concat_tables(tables).sort_by("id")
            prints[key] = dataclasses.replace(each, count=len(records), records=records)
    seen = dataclasses.replace(reader.fingerprint, taken="export", collections=prints)
    return Observation(seen, counts={key: each.count for key, each in prints.items()})


def fingerprint(reader: Reader, *, progress: Progress = silent) -> Fingerprint:
    """The whole fingerprint of an export: as sealed, or its records rebuilt from those in the file."""
    sealed = reader.fingerprint
    if all(len(each.records) == each.count for each in sealed.collections.values()):
        return sealed  # a folder keeps the one that was taken, records and all
    return observe(reader, progress=progress).fingerprint
