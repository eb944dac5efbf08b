"""What people reported in public, each rebuilt by a fault of the catalogue: the track record.

An incident that is no longer caught is a defect of ours. `sources` are threads as their reporters tell
them, OWNER/REPOSITORY#NUMBER; some are of relatives that keep their data in Chroma or break alike.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Incident:
    """`fault`: the name in the catalogue. `check`: what FAILs of it, at rest, beside a fingerprint."""

    name: str
    sources: tuple[str, ...]
    symptom: str
    fault: str
    check: str
    since: str = "0.1.0"


INCIDENTS = (
    Incident(
        "index set aside, queue purged",
        ("MemPalace/mempalace#1710", "MemPalace/mempalace#2333", "MemPalace/mempalace#2428"),
        "A tool renamed an index that it took for stale; the count stayed, the vectors never came back.",
        "directory_renamed",
        "structure",
    ),
    Incident(
        "cleanup by collection id",
        ("neomjs/neo#12140",),
        "A cleanup removed live index folders: they carry the segment's id, it kept the collections'.",
        "directory_named_by_collection",
        "structure",
    ),
    Incident(
        "rows back, vectors not",
        ("zilliztech/milvus-backup#166",),
        "A restore brought schema and rows and no vectors: the database alone had been backed up.",
        "directories_deleted",
        "records",
    ),
    Incident(
        "index cut in half",
        ("chroma-core/chroma#7238",),
        "The server crashed at its first count, and SQLite's own check was fine.",
        "data_level0_half",
        "structure",
    ),
    Incident(
        "impossible counts in the index",
        ("chroma-core/chroma#7069",),
        "The server crashed when it was counted or read.",
        "header_count_high",
        "structure",
    ),
    Incident(
        "link out of the graph",
        ("chroma-core/chroma#6979", "MemPalace/mempalace#1108"),
        "A search walked out of the index and took the whole server down.",
        "link_out_of_range",
        "structure",
    ),
    Incident(
        "flush cut off",
        ("MemPalace/mempalace#1457", "chroma-core/chroma#7510", "chroma-core/chroma#7678"),
        "The server crashed again at each start after a flush of the index had been cut.",
        "link_lists_half",
        "structure",
    ),
    Incident(
        "index of another instant",
        (
            "MemPalace/mempalace#1000",
            "MemPalace/mempalace#1173",
            "MemPalace/mempalace#1822",
        ),
        "Answers were stale, then the server crashed: index and database were of two instants.",
        "older_segments",
        "structure",
    ),
    Incident(
        "database of another instant",
        ("MemPalace/mempalace#823",),
        "A newer index lay under older rows.",
        "older_sqlite",
        "records",
    ),
    Incident(
        "empty pickle",
        ("chroma-core/chroma#1623",),
        "EOFError: the index's list of ids had no bytes.",
        "index_metadata_empty",
        "structure",
    ),
    Incident(
        "nothing found on disk",
        ("chroma-core/chroma#4212", "vanna-ai/vanna#950", "vanna-ai/vanna#833"),
        "The index's folder was there, and empty.",
        "directory_emptied",
        "structure",
    ),
    Incident(
        "label not found",
        ("chroma-core/chroma#2619",),
        "Some collections answered every search with an error.",
        "label_changed",
        "structure",
    ),
    Incident(
        "malformed text index",
        ("neomjs/neo#13467",),
        "The full-text index was malformed while every search passed.",
        "fts_index_bit",
        "integrity",
    ),
    Incident(
        "text index missing",
        ("amikos-tech/chromadb-ops#4",),
        "There was no full-text table any more.",
        "fts_dropped",
        "integrity",
    ),
    Incident(
        "metric changed in silence",
        ("chroma-core/chroma#1168", "chroma-core/chroma#2638", "MemPalace/mempalace#218"),
        "Scores were wrong: the collection used another metric than before.",
        "space_changed",
        "configuration",
    ),
    Incident(
        "made again, empty",
        ("neomjs/neo-agent-brain#66", "neomjs/neo#16404"),
        "A collection had its name, another id, and nothing in it.",
        "collection_recreated_empty",
        "inventory",
    ),
    Incident(
        "tenant gone",
        ("chroma-core/chroma#1858",),
        "The tenant was not found after a container was made anew.",
        "tenant_dropped",
        "inventory",
    ),
    Incident(
        "watermark too high",
        ("MemPalace/mempalace#1134",),
        "New writes were acknowledged and never appeared.",
        "metadata_watermark_raised",
        "structure",
    ),
    Incident(
        "wrong mount",
        (
            "odysseus-dev/odysseus#6132",
            "neomjs/neo#16208",
            "chroma-core/chroma#280",
        ),
        "A healthy, empty server after its container was made anew.",
        "empty_directory",
        "inventory",
    ),
    Incident(
        "journal of another instant",
        ("sonichi/sutando#1041",),
        "A good copy became a malformed database: its journal was another's.",
        "journal_of_older_store",
        "integrity",
    ),
    Incident(
        "rows without vectors",
        ("neomjs/neo#14228",),
        "Records had text and metadata, and no vector.",
        "record_extra",
        "structure",
    ),
    Incident(
        "other dimension",
        ("chroma-core/chroma#4368",),
        "The dimension did not match after the store had travelled.",
        "dimension_changed",
        "structure",
    ),
    Incident(
        "log that cannot be applied",
        ("chroma-core/chroma#5552", "chroma-core/chroma#5517", "thedotmack/claude-mem#3202"),
        "The server failed to apply its log to the metadata, again and again.",
        "entry_metadata_broken",
        "structure",
    ),
    Incident(
        "sequence numbers of another type",
        ("chroma-core/chroma#4217",),
        "Every call failed: a number was not stored as one.",
        "watermark_text",
        "structure",
    ),
    Incident(
        "half-migrated schema",
        ("chroma-core/chroma#1130", "MemPalace/mempalace#722"),
        "Two releases had been mixed, and a part of the schema was missing.",
        "migration_missing",
        "integrity",
    ),
    Incident(
        "collection without segments",
        ("chroma-core/chroma#3474",),
        "An old client left a collection that no call could read.",
        "segments_dropped",
        "structure",
    ),
)
