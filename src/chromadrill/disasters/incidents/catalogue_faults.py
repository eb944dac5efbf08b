"""Faults of the catalogue that people met: a store at rest is damaged, and read at rest."""

from __future__ import annotations

from collections.abc import Iterator

from chromadrill.disasters.catalogue.faults import FAULT_SPECS, bind
from chromadrill.disasters.incidents.incident import AT_REST, BESIDE, Incidents, Places, Recipe
from chromadrill.disasters.incidents.lab import Lab

FAULTS = Incidents("A fault of the catalogue in a store at rest")
SPECS = {spec.name: spec for spec in FAULT_SPECS}
# these judge a store by itself; every other check needs a fingerprint
ALONE = ("integrity", "structure")


def inject(name: str) -> Recipe:
    """A recipe: this fault of the catalogue, in a copy of the seeded store."""

    def recipe(lab: Lab) -> Iterator[Places]:
        seeded, data = lab.seeded_store(), lab.copy_of_store()
        bind(SPECS[name], seeded.data, seeded.older).inject(data)
        yield {"data": data, "before": seeded.before}

    return recipe


# the first version was told by a server alone; at rest it saw nothing
SINCE = {
    "log that cannot be applied": "0.2.0",
    "sequence numbers of another type": "0.2.0",
    "half-migrated schema": "0.2.0",
}
# name, sources, what people saw, fault, check
ROWS = (
    (
        "index set aside, queue purged",
        "MemPalace/mempalace#1710 MemPalace/mempalace#2333 MemPalace/mempalace#2428"
        " MemPalace/mempalace#2510",
        "A tool renamed an index that it took for stale; the count stayed, the vectors never came back.",
        "directory_renamed",
        "structure",
    ),
    (
        "cleanup by collection id",
        "neomjs/neo#12140",
        "A cleanup removed live index folders: they carry the segment's id, it kept the collections'.",
        "directory_named_by_collection",
        "structure",
    ),
    (
        "rows back, vectors not",
        "zilliztech/milvus-backup#166",
        "A restore brought schema and rows and no vectors: the database alone had been backed up.",
        "directories_deleted",
        "records",
    ),
    (
        "index cut in half",
        "chroma-core/chroma#7238",
        "The server crashed at its first count, and SQLite's own check was fine.",
        "data_level0_half",
        "structure",
    ),
    (
        "impossible counts in the index",
        "chroma-core/chroma#7069 chroma-core/chroma#6949",
        "The server crashed when it was counted or read.",
        "header_count_high",
        "structure",
    ),
    (
        "link out of the graph",
        "chroma-core/chroma#6979 MemPalace/mempalace#1108",
        "A search walked out of the index and took the whole server down.",
        "link_out_of_range",
        "structure",
    ),
    (
        "flush cut off",
        "MemPalace/mempalace#1457 chroma-core/chroma#7510 chroma-core/chroma#7678",
        "The server crashed again at each start after a flush of the index had been cut.",
        "link_lists_half",
        "structure",
    ),
    (
        "index of another instant",
        "MemPalace/mempalace#1000 MemPalace/mempalace#1173 MemPalace/mempalace#1822",
        "Answers were stale, then the server crashed: index and database were of two instants.",
        "older_segments",
        "structure",
    ),
    (
        "database of another instant",
        "MemPalace/mempalace#823",
        "A newer index lay under older rows.",
        "older_sqlite",
        "records",
    ),
    (
        "empty pickle",
        "chroma-core/chroma#1623",
        "EOFError: the index's list of ids had no bytes.",
        "index_metadata_empty",
        "structure",
    ),
    (
        "nothing found on disk",
        "chroma-core/chroma#4212 vanna-ai/vanna#950 vanna-ai/vanna#833",
        "The index's folder was there, and empty.",
        "directory_emptied",
        "structure",
    ),
    (
        "label not found",
        "chroma-core/chroma#2619",
        "Some collections answered every search with an error.",
        "label_changed",
        "structure",
    ),
    (
        "malformed text index",
        "neomjs/neo#13467",
        "The full-text index was malformed while every search passed.",
        "fts_index_bit",
        "integrity",
    ),
    (
        "text index missing",
        "amikos-tech/chromadb-ops#4",
        "There was no full-text table any more.",
        "fts_dropped",
        "integrity",
    ),
    (
        "metric changed in silence",
        "chroma-core/chroma#1168 chroma-core/chroma#2638 MemPalace/mempalace#218",
        "Scores were wrong: the collection used another metric than before.",
        "space_changed",
        "configuration",
    ),
    (
        "made again, empty",
        "neomjs/neo-agent-brain#66 neomjs/neo#16404",
        "A collection had its name, another id, and nothing in it.",
        "collection_recreated_empty",
        "inventory",
    ),
    (
        "tenant gone",
        "chroma-core/chroma#1858",
        "The tenant was not found after a container was made anew.",
        "tenant_dropped",
        "inventory",
    ),
    (
        "watermark too high",
        "MemPalace/mempalace#1134",
        "New writes were acknowledged and never appeared.",
        "metadata_watermark_raised",
        "structure",
    ),
    (
        "wrong mount",
        "odysseus-dev/odysseus#6132 neomjs/neo#16208 chroma-core/chroma#280 chroma-core/chroma#683",
        "A healthy, empty server after its container was made anew.",
        "empty_directory",
        "inventory",
    ),
    (
        "journal of another instant",
        "sonichi/sutando#1041",
        "A good copy became a malformed database: its journal was another's.",
        "journal_of_older_store",
        "integrity",
    ),
    (
        "rows without vectors",
        "neomjs/neo#14228",
        "Records had text and metadata, and no vector.",
        "record_extra",
        "structure",
    ),
    (
        "other dimension",
        "chroma-core/chroma#4368",
        "The dimension did not match after the store had travelled.",
        "dimension_changed",
        "structure",
    ),
    (
        "log that cannot be applied",
        "chroma-core/chroma#5552 chroma-core/chroma#5517 chroma-core/chroma#5366"
        " thedotmack/claude-mem#3202",
        "The server failed to apply its log to the metadata, again and again.",
        "entry_metadata_broken",
        "structure",
    ),
    (
        "sequence numbers of another type",
        "chroma-core/chroma#4217",
        "Every call failed: a number was not stored as one.",
        "watermark_text",
        "structure",
    ),
    (
        "half-migrated schema",
        "chroma-core/chroma#1130 MemPalace/mempalace#722",
        "Two releases had been mixed, and a part of the schema was missing.",
        "migration_missing",
        "integrity",
    ),
    (
        "collection without segments",
        "chroma-core/chroma#3474",
        "An old client left a collection that no call could read.",
        "segments_dropped",
        "structure",
    ),
    (
        "index not found",
        "chroma-core/chroma#770 chroma-core/chroma#763",
        "After a restart records could be read, and no search found anything.",
        "directory_deleted",
        "structure",
    ),
    (
        "index that does not load",
        "chroma-core/chroma#7090 chroma-core/chroma#872 chroma-core/chroma#868",
        "Error loading hnsw index: a collection beyond its first 1,000 records, after a restart.",
        "header_deleted",
        "structure",
    ),
    (
        "half a pickle",
        "chroma-core/chroma#2553 chroma-core/chroma#1197",
        "The server ran out of memory while it wrote its index; at the next start: EOFError.",
        "index_metadata_half",
        "structure",
    ),
    (
        "log of another instant",
        "markmhendrickson/neotoma#2075",
        "A backup copied the database and its log one after the other, and called itself verified.",
        "wal_of_older_store",
        "integrity",
    ),
    (
        "last month's backup",
        "neomjs/neo-agent-brain#270",
        "A restore went well: what came back was the right answer to the wrong question.",
        "older_snapshot",
        "counts",
    ),
)
FAULTS.enter(
    "live records that no search finds",
    "chroma-core/chroma#7758 chroma-core/chroma#3580 chroma-core/chroma#5814",
    "Records could be read by id and were never found, whatever was asked.",
    SPECS["links_all_lost"].what,
    inject("links_all_lost"),
    command=BESIDE + " --serve",
    check="recall (served)",
)
for _name, _sources, _symptom, _fault, _check in ROWS:
    _command = AT_REST if _check in ALONE else BESIDE
    _what = SPECS[_fault].what
    FAULTS.enter(
        _name, _sources, _symptom, _what, inject(_fault),
        command=_command, check=_check, since=SINCE.get(_name, "0.1.0"),
    )  # fmt: skip
