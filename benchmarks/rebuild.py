"""The rows of rebuilds: reading PostgreSQL against a bare cursor, filling against bare upserts."""

from __future__ import annotations

import psycopg

from benchmarks.fingerprints import Bench, Ratio, alternate
from chromadrill.core.model import Scope
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.fill import Filler
from chromadrill.recovery.scaling import CostlessModel
from chromadrill.recovery.sources.postgres_embedded import embedded_postgresql
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.workload.data.labelled_questions import Library, create_source_schema, library

ROWS, FILLED = 5000, 800  # read; written in batches of 8, each a request
TABLE = SourceTable(table="bench.manual_content")


def read_rows(bench: Bench) -> Ratio:
    """Rows with typed metadata, against the same bytes fetched and not looked at."""
    del bench
    with embedded_postgresql() as url, psycopg.connect(url) as bare_connection:
        create_source_schema(bare_connection, "bench", library(ROWS))
        with open_table(url, TABLE) as source:

            def ours() -> None:
                assert sum(len(rows) for rows in source.rows()) == ROWS

            def bare() -> None:
                with bare_connection.cursor("bare", binary=True) as cursor:
                    cursor.execute("select id, content, metadata::text from bench.manual_content")
                    while cursor.fetchmany(TABLE.batch):
                        pass

            ours_s, bare_s = alternate(ours, bare)
    return ours_s / bare_s, {"ours_s": round(ours_s, 3), "rows_per_s": round(ROWS / ours_s)}


def fill_collection(bench: Bench) -> Ratio:
    """Rows into a new collection in batches of 8, as a model hands them over, against bare upserts.

    The model is a stand-in that costs both sides the same.
    """
    model, content = CostlessModel(384), library(FILLED)
    with embedded_postgresql() as url:
        with psycopg.connect(url) as connection:
            create_source_schema(connection, "bench", content)
        with open_table(url, TABLE) as source:

            def ours() -> None:
                info = bench.chroma.create_collection(Scope(), "ours", hnsw={"space": "cosine"})
                filler = Filler(bench.chroma, source, model, None, info, 8)
                for rows in source.rows():
                    filler.fill(info, rows, lambda done: None)
                bench.chroma.delete_collection(Scope(), "ours")

            ours_s, bare_s = alternate(ours, lambda: _bare_upserts(bench, model, content))
    return ours_s / bare_s, {
        "ours_s": round(ours_s, 2),
        "bare_s": round(bare_s, 2),
        "overhead_ms_per_document": round(1000 * (ours_s - bare_s) / FILLED, 2),
    }


def _bare_upserts(bench: Bench, model: CostlessModel, content: Library) -> None:
    info = bench.chroma.create_collection(Scope(), "bare", hnsw={"space": "cosine"})
    ids, texts, metadatas = content.ids, content.texts, content.metadatas
    for start in range(0, FILLED, 8):
        part = slice(start, start + 8)
        bench.chroma.upsert(
            info,
            ids=ids[part],
            vectors=model.embed(texts[part]),
            documents=texts[part],
            metadatas=metadatas[part],
        )
    bench.chroma.delete_collection(Scope(), "bare")
