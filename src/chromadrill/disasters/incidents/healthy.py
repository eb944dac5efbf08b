"""Healthy, and unusual enough that somebody took it for damage: every check has to pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from chromadrill.chroma.client import Chroma, scope_path
from chromadrill.core.model import JSON, CollectionInfo, Outcome, Scope
from chromadrill.disasters.catalogue.harmless import HEALTHY as VARIANTS
from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.incidents.incident import BESIDE, LIVE, Incidents, Places, Recipe
from chromadrill.disasters.incidents.lab import Lab, fill

HEALTHY = Incidents("Healthy: a false alarm would be the incident")
Fill = Callable[[Chroma, Scope], object]
GAP = 64 << 20


def write(
    chroma: Chroma,
    collection: CollectionInfo,
    *,
    vectors: Sequence[Sequence[float]] | None = None,
    documents: Sequence[str] | None = None,
    metadatas: Sequence[JSON] | None = None,
) -> None:
    """40 records; what is not said is nothing special."""
    rows = range(40)
    given = vectors or np.random.default_rng(5).normal(size=(40, 4))
    chroma.upsert(
        collection,
        ids=[f"{collection.name}-{row}" for row in rows],
        vectors=np.asarray(given, np.float32),
        documents=documents or [f"words of record {row}" for row in rows],
        metadatas=metadatas or [{"n": row} for row in rows],
    )


def live(name: str, sources: str, symptom: str, *, since: str = "0.1.0") -> Callable[[Fill], Fill]:
    """Decorator: a database filled like this passes every check that a running server is asked."""

    def decorate(act: Fill) -> Fill:
        def recipe(lab: Lab) -> Iterator[Places]:
            with lab.database() as (chroma, scope):
                act(chroma, scope)
                yield {"url": chroma.url, "scope": str(scope)}

        what = (act.__doc__ or "").strip()
        HEALTHY.enter(
            name, sources, symptom, what, recipe,
            command=LIVE, outcome=Outcome.PASS, since=since,
        )  # fmt: skip
        return act

    return decorate


@live(
    "texts of two letters",
    "chroma-core/chroma#3996 chroma-core/chroma#1073",
    "`$contains` finds nothing that is shorter than three characters.",
)
def short_texts(chroma: Chroma, scope: Scope) -> None:
    """40 documents of two characters each."""
    texts = ["椎本", "東京"] * 20
    write(chroma, chroma.create_collection(scope, "short"), documents=texts)


@live(
    "whole and broken numbers under one key",
    "chroma-core/chroma#7491",
    "The server says that 2 equals 2.5.",
)
def mixed_numbers(chroma: Chroma, scope: Scope) -> None:
    """Every second value under a key is a whole number, the others are not."""
    metadatas = [{"n": n // 4 if n % 2 else n / 4} for n in range(40)]
    write(chroma, chroma.create_collection(scope, "mixed"), metadatas=metadatas)


@live(
    "deleted rows stay in the index",
    "MemPalace/mempalace#2262",
    "The index has 13 times as many rows as there are records.",
)
def surplus(chroma: Chroma, scope: Scope) -> None:
    """130 records written, 120 deleted, an index on disk."""
    flushed = {"sync_threshold": 100, "batch_size": 50}
    collection = fill(chroma, scope, "surplus", 130, hnsw=flushed)
    chroma.delete(collection, [f"surplus-{n}" for n in range(120)])


@live(
    "inner product is not distance",
    "crewAIInc/crewAI#7149",
    "Scores by inner product were misread: a record need not be its own nearest.",
    since="0.2.0",
)
def inner_product(chroma: Chroma, scope: Scope) -> None:
    """Vectors [i + 1, 1] by inner product: all are nearest to the longest."""
    vectors = [[n + 1.0, 1.0] for n in range(40)]
    collection = chroma.create_collection(scope, "inner", hnsw={"space": "ip"})
    write(chroma, collection, vectors=vectors)


@live(
    "an index switched off",
    "chroma-core/chroma#6214",
    "Filters on a key are refused: the schema has no index for it.",
    since="0.2.0",
)
def index_switched_off(chroma: Chroma, scope: Scope) -> None:
    """The schema switches the index of a key and the full-text index off."""
    off = {"enabled": False, "config": {}}
    keys = {
        "n": {"int": {"int_inverted_index": off}},
        "#document": {"string": {"fts_index": off}},
    }
    body = {"name": "bare", "schema": {"defaults": {}, "keys": keys}}
    chroma.call("POST", f"{scope_path(scope)}/collections", body)
    write(chroma, chroma.collection(scope, "bare"))


@live(
    "NUL in a text",
    "chroma-core/chroma#7388",
    "A newer SQLite calls the full-text index malformed; the store serves well.",
    since="0.2.0",
)
def nul_in_a_text(chroma: Chroma, scope: Scope) -> None:
    """A document goes on behind a NUL character."""
    texts = [f"words of record {n}" + "\0 and more" * (n == 5) for n in range(40)]
    write(chroma, chroma.create_collection(scope, "nul"), documents=texts)


@live(
    "flushed at each fifth record",
    "MemPalace/mempalace#1872 MemPalace/mempalace#2107",
    "An index that is flushed all the time: link_lists.bin has next to no bytes.",
)
def flushed_often(chroma: Chroma, scope: Scope) -> None:
    """A sync threshold of 5, and 14 records."""
    fill(chroma, scope, "flat", 14, hnsw={"sync_threshold": 5, "batch_size": 5})


# ---- at rest ------------------------------------------------------------------------------------
def harmless(name: str) -> Recipe:
    """A recipe: this harmless change, in a copy of the seeded store."""
    variant = next(variant for variant in VARIANTS if variant.name == name)

    def recipe(lab: Lab) -> Iterator[Places]:
        data = lab.copy_of_store()
        variant.apply(data, lab.url_of)
        yield {"data": data, "before": lab.seeded_store().before}

    return recipe


# name, sources, what people saw, the harmless change
ROWS = (
    (
        "no pickle below the threshold",
        "MemPalace/mempalace#1579 MemPalace/mempalace#1499",
        "Small collections have no pickle: a tool took them for damaged, and removed them.",
        "small_bins_removed",
    ),
    (
        "other neighbours after a restart",
        "chroma-core/chroma#3638 chroma-core/chroma#7758",
        "The same question, other neighbours at the same distances.",
        "restarted",
    ),
    (
        "older than its database",
        "MemPalace/mempalace#1579 MemPalace/mempalace#2510",
        "Index files were minutes older than the database: a tool set them aside as stale.",
        "times_changed",
    ),
    (
        "orphans removed",
        "chroma-core/chroma#1309 chroma-core/chroma#2063",
        "Folders of dropped collections stay on the disk until somebody removes them.",
        "orphans_removed",
    ),
)
for _name, _sources, _symptom, _change in ROWS:
    _what = next(variant.what for variant in VARIANTS if variant.name == _change)
    HEALTHY.enter(
        _name, _sources, _symptom, _what, harmless(_change), command=BESIDE, outcome=Outcome.PASS
    )


@HEALTHY.add(
    "a file of 441 GB",
    "MemPalace/mempalace#344",
    "link_lists.bin was 441 GB long: next to nothing of that was on the disk.",
    outcome=Outcome.PASS,
)
def sparse_file(lab: Lab) -> Iterator[Places]:
    """link_lists.bin of the largest index is 64 MB longer, without a byte in it."""
    data = lab.copy_of_store()
    index = next(c for c in StoreEditor(data).collections() if c.is_indexed)
    file = index.directory / "link_lists.bin"
    os.truncate(file, file.stat().st_size + GAP)
    yield {"data": data}
