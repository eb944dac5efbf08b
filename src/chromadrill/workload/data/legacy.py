"""Data as older releases keep it: metric and settings in the metadata, also nowhere else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, Scope

DIMENSION = 32
METRIC_IN_METADATA = "metric-in-metadata-alone"  # and nowhere else
# name -> metadata, records: above and below the index's sync threshold (1,000)
COLLECTIONS: dict[str, tuple[JSON | None, int]] = {
    METRIC_IN_METADATA: ({"hnsw:space": "cosine"}, 300),
    "cosine-by-metadata": ({"hnsw:space": "cosine", "owner": "ops"}, 1300),
    "tuned-by-metadata": ({"hnsw:space": "ip", "hnsw:M": 24, "v": 1.0}, 200),
    "plain": (None, 1100),
    "empty": (None, 0),
}

METRICS = {
    name: (metadata or {}).get("hnsw:space", "l2") for name, (metadata, _) in COLLECTIONS.items()
}


def fill(chroma: Chroma) -> None:
    """Create and fill them in the default scope, in the words that every release since 0.6 takes."""
    for seed, (name, (metadata, records)) in enumerate(COLLECTIONS.items()):
        info = chroma.create_collection(Scope(), name, metadata=metadata)
        vectors = np.random.default_rng(seed).normal(size=(records, DIMENSION)).astype(np.float32)
        for start in range(0, records, 100):
            rows = range(start, min(start + 100, records))
            chroma.upsert(
                info,
                ids=[f"r{row} é" for row in rows],
                vectors=vectors[start : rows.stop],
                # all or none: a single null makes 0.6.3 write what 1.5.9 panics on (measured)
                documents=[f"record {row} of {name}" for row in rows] if start != 200 else None,
                metadatas=[
                    {"n": row, "f": row / 2, "even": row % 2 == 0, "s": f"s{row % 7}"}
                    for row in rows
                ],
            )
        if records:
            chroma.update_metadata(info, ["r1 é", "r2 é"], [{"n": -1}, {"s": None}])
            chroma.delete(info, [f"r{row} é" for row in range(3, records, 97)])


def move_metric_to_metadata(data: Path, name: str, space: str = "cosine") -> None:
    """Turn a collection in a stopped server's directory into one that a release before 1.0 created.

    A collection that such a release did create stays as it is.
    """
    with closing(sqlite3.connect(data / "chroma.sqlite3")) as database, database:
        (key,) = database.execute("select id from collections where name=?", [name]).fetchone()
        (segment,) = database.execute(
            "select id from segments where collection=? and scope='VECTOR'", [key]
        ).fetchone()
        has_metric = "select 1 from segment_metadata where segment_id=? and key='hnsw:space'"
        if database.execute(has_metric, [segment]).fetchone():
            return
        database.execute("update collections set config_json_str='{}' where id=?", [key])
        columns = {row[1] for row in database.execute("pragma table_info(collections)")}
        if "schema_str" in columns:
            database.execute("update collections set schema_str=null where id=?", [key])
        for table, column, owner in (
            ("collection_metadata", "collection_id", key),
            ("segment_metadata", "segment_id", segment),
        ):
            database.execute(
                f"insert or replace into {table} ({column}, key, str_value)"  # noqa: S608
                " values (?, 'hnsw:space', ?)",
                [owner, space],
            )
