"""Sample collections, written to a file and compared with what comes back."""

import numpy as np
import pyarrow as pa

from chromadrill.backups.export.formats import open_export, suffix_of, writer
from chromadrill.chroma.fingerprint.digests import RECORDS, record_table
from chromadrill.core.model import (
    Answer,
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Page,
    Recall,
    Scope,
)
from chromadrill.core.records.streams import RecordsInMemory

KEY = "default_tenant/default_database/docs"
SUFFIXES = [".json", ".jsonl", ".jsonl.zst", ".parquet"]


def page(n=3, dimension=4, **changes):
    rows = {
        "ids": [f"r{at}" for at in range(n)],
        "documents": [None if at % 3 == 2 else f"document {at}" for at in range(n)],
        "metadatas": [None if at % 3 == 2 else {"n": at, "f": at / 2} for at in range(n)],
        "uris": [None] * n,
        "vectors": np.random.default_rng(1).normal(size=(n, dimension)).astype(np.float32),
    }
    return Page(**{**rows, **changes})


def info(name="docs", tenant="default_tenant", database="default_database", dimension=4):
    return CollectionInfo(
        id="1", name=name, tenant=tenant, database=database, dimension=dimension,
        metadata={"v": 1.0, "\"sha256\":\"": "\"sha256\":\"" + "0" * 64, "sha256": "0" * 64},
        configuration={"hnsw": {"space": "l2"}}, schema=None, space="l2",
    )  # fmt: skip


def table(pages):
    tables = [RECORDS.empty_table(), *(record_table(one) for one in pages)]
    return RecordsInMemory(pa.concat_tables(tables))


def fingerprint(collections):
    answers = (Answer("filter", {"where": {"n": 1}}, (1, "00"), None, "no server"),)
    prints = {
        one.key: CollectionPrint(
            one, sum(len(p.ids) for p in pages), table(pages), answers, Recall(1, 2, 3, 4, ("r0",))
        )
        for one, pages in collections
    }
    scopes = tuple(sorted({one.scope for one, _ in collections} | {Scope()}))
    return Fingerprint("2026-11-24T00:00:00Z", "live", {"api": "1.0.0"}, scopes, scopes, prints)


def write(path, collections, seal=None):
    """Write (info, pages) of each collection; returns the fingerprint that seals the file."""
    seal = seal or fingerprint(collections)
    out = writer(suffix_of(path.name))(path, seal, about={"url": "http://127.0.0.1:1"})
    try:
        for collection, pages in collections:
            out.begin(collection)
            for records in pages:
                out.write(records)
        out.seal({})
    finally:
        out.close()
        out.close()
    return seal


def contents(path, size=1000):
    """Everything a reader gives, in values that compare bit for bit and type for type."""
    reader = open_export(path)
    by_key = {}
    for key, one in reader.fingerprint.collections.items():
        pages = list(reader.pages(key, size=size))
        assert all(len(records.ids) <= size for records in pages)
        by_key[key] = (one.info, one.count, one.answers, one.recall, rows(pages))
    reader.close()
    return by_key


def rows(pages):
    """The records of pages, in values that compare bit for bit and type for type."""
    return [
        (
            one.ids[row], one.documents[row], repr(sorted((one.metadatas[row] or {}).items())),
            one.uris[row], None if row in one.without_vector else one.vectors[row].tobytes(),
        )
        for one in pages
        for row in range(len(one.ids))
    ]  # fmt: skip


def write_unsealed(path, records):
    """Write records and go away without sealing the file."""
    out = writer(suffix_of(path.name))(path, fingerprint([(info(), [page()])]))
    try:
        out.begin(info())
        out.write(records)
    finally:
        out.close()
