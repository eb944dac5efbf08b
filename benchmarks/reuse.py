"""python -m benchmarks.reuse STORE VECTORS URL RESULT: vectors of a store at rest, taken over.

The source is `bench.reuse` of that database. VECTORS is a .npy of the store's vectors by the number of
their document: what stands in for the model. RESULT gets what was counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from benchmarks.at_rest import Cost, cost, stores
from benchmarks.fingerprints import Bench, Ratio
from chromadrill.chroma.at_rest import Store
from chromadrill.core.model import Page, Scope
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.sources.postgres_embedded import embedded_postgresql
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.recovery.vectors_from.lent import LentVectors
from chromadrill.recovery.vectors_from.open_lenders import open_lenders
from chromadrill.recovery.vectors_from.pool import VectorPool

CHANGED = 100  # one row in so many
# processor seconds of all-MiniLM-L6-v2 by onnxruntime for a docstring of 60 words, one thread
DOCUMENT_S = 0.022
TABLE = SourceTable(table="bench.reuse", metadata="", updated_at="")
DIMENSION = 384


class StoredVectors:
    """Stands in for a model: it looks vectors up, and counts its documents."""

    name, revision, weights_sha256, configuration_sha256 = "stored", "1", "0" * 64, None
    dimension = DIMENSION

    def __init__(self, file: Path) -> None:
        self._vectors = np.load(file, mmap_mode="r")
        self.documents = 0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.documents += len(texts)
        return np.stack([self._vectors[_number(text)] for text in texts])

    def facts(self) -> dict[str, Any]:
        return {"name": self.name}


def speed(bench: Bench) -> Ratio:
    """Processor time of embedding all rows, against taking 99 % over and embedding the rest.

    It is the embedding alone: the start of the process, the reading of the source for it (twice), the
    lender, the canary and the changed documents are in it, the writes into the server are not.
    """
    _, (spent, counts) = _measured(bench)
    embedded = counts["canary"] + counts["changed"]
    ours_s = spent.processor_s + embedded * DOCUMENT_S
    return counts["rows"] * DOCUMENT_S / ours_s, {
        **counts,
        "processor_s": round(spent.processor_s, 2),
        "with_the_model_s": round(ours_s, 1),
        "peak_mb": round(spent.peak_mb),
    }


def memory(bench: Bench) -> Ratio:
    """The peak for all records to that for a part of them."""
    (of_small, _), (of_large, _) = _measured(bench)
    return of_large.peak_mb / of_small.peak_mb, {"peak_mb": round(of_large.peak_mb)}


@cache
def _measured(bench: Bench) -> list[tuple[Cost, dict[str, int]]]:
    """Both rows are of the same runs, on a small store and a large one."""
    made = stores(large=bench.records)
    with (
        nullcontext(bench.stores) if bench.stores else made as paths,
        tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder,
        embedded_postgresql() as url,
    ):
        results = []
        for store in paths:
            vectors, result = Path(folder) / "vectors.npy", Path(folder) / "result.json"
            _prepare(url, store, vectors)
            command = ["-m", "benchmarks.reuse", str(store), str(vectors), url, str(result)]
            results.append((cost(command), json.loads(result.read_text())))
        return results


def _prepare(url: str, store: Path, vectors: Path) -> None:
    """The source of a store's documents, one in a hundred changed, and the vectors by their number."""
    with psycopg.connect(url) as connection:
        connection.execute("create schema if not exists bench")
        connection.execute("drop table if exists bench.reuse")
        connection.execute("create table bench.reuse (id text primary key, content text)")
        known: dict[int, np.ndarray] = {}
        with connection.cursor().copy("copy bench.reuse (id, content) from stdin") as copy:
            for page in _pages(store):
                for record, text, vector in zip(
                    page.ids, page.documents, page.vectors, strict=True
                ):
                    number = _number(text or "")
                    known[number] = vector
                    changed = " changed" if number % CHANGED == 0 else ""
                    copy.write_row((f"row-{record}", f"{text}{changed}"))
    np.save(vectors, np.stack([known[number] for number in range(len(known))]))


def _pages(store: Path) -> Iterator[Page]:
    with Store.open(store) as opened:
        for info in opened.collections():
            yield from opened.pages(info)


def _number(text: str) -> int:
    """Of "document 17 lorem ipsum ..."."""
    return int(text.split()[1])


def take_over(store: str, vectors: Path, url: str) -> dict[str, int]:
    """Look up, borrow, take: what a rebuild does with one lender, without its server."""
    model, lent = StoredVectors(vectors), LentVectors(VectorPool(DIMENSION))
    rows = changed = 0
    with (
        open_table(url, TABLE) as source,
        # files alone: no server is asked
        open_lenders(None, [store], Scope(), "bench") as lenders,  # type: ignore[arg-type]
    ):
        for batch in source.rows():
            lent.want(batch)
        for lender in lenders:
            lent.borrow(lender, model, batch_size=8, least_cosine=0.9999, advance=lambda done: None)
        canary = model.documents
        for batch in source.rows():
            rows += len(batch)
            changed += len(lent.take(batch)[2])
    return {"rows": rows, "changed": changed, "canary": canary}


if __name__ == "__main__":
    store_path, vectors_path, database, place = sys.argv[1:]
    Path(place).write_text(json.dumps(take_over(store_path, Path(vectors_path), database)))
