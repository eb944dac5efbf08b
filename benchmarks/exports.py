"""The rows of exports: writing against bare paging, importing against bare upserts."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.fingerprints import Bench, Ratio, alternate, bare_paging
from chromadrill.backups.export import importer, staging
from chromadrill.backups.export.batches import BATCH, base64_rows
from chromadrill.backups.export.exporter import export
from chromadrill.backups.export.formats import open_export, writer
from chromadrill.chroma.fingerprint import live
from chromadrill.core.model import Scope
from chromadrill.core.progress import silent


def write_export(bench: Bench) -> Ratio:
    """The pass that writes the Parquet file; the fingerprint is at hand, as it is in an export."""
    before = live.fingerprint(bench.chroma, [Scope()], only=[bench.info.key])
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        path = Path(folder) / "e.parquet"

        def ours() -> None:
            path.unlink(missing_ok=True)
            out = writer(".parquet")(path, before)
            out.begin(before.collections[bench.info.key].info)
            for page in bench.chroma.pages(bench.info):
                out.write(page)
            out.seal({})
            out.close()

        ours_s, bare_s = alternate(ours, lambda: bare_paging(bench))
        started = time.perf_counter()
        export(bench.chroma, Path(folder) / "whole.parquet", scopes=[Scope()], name="bench")
        whole = time.perf_counter() - started
    return ours_s / bare_s, {
        "ours_s": round(ours_s, 2),
        "bare_s": round(bare_s, 2),
        "whole_export_s": round(whole, 2),
        "records_per_s": round(bench.records / whole),
    }


def import_records(bench: Bench) -> Ratio:
    """Filling a collection from a file, against upserts of batches that lie ready in memory."""
    with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
        path = Path(folder) / "e.parquet"
        export(bench.chroma, path, scopes=[Scope()], name="bench")
        reader = open_export(path)
        (move,) = staging.plan(reader, into="bench-again")
        work = importer._Import(bench.chroma, reader, [move], silent)
        ready = [(p, base64_rows(p)) for p in reader.pages(move.key, size=BATCH)]

        def ours() -> None:
            work.remove_staging([move])
            work.fill(move, lambda done: None)

        def bare() -> None:
            info = bench.chroma.create_collection(Scope(), "bare", hnsw={"space": "cosine"})
            for page, vectors in ready:
                bench.chroma.upsert(
                    info,
                    ids=page.ids,
                    vectors=vectors,
                    documents=page.documents,
                    metadatas=page.metadatas,
                    uris=page.uris,
                )
            bench.chroma.delete_collection(Scope(), "bare")

        ours_s, bare_s = alternate(ours, bare)
        work.remove_staging([move])
    return ours_s / bare_s, {
        "ours_s": round(ours_s, 2),
        "bare_s": round(bare_s, 2),
        "records_per_s": round(bench.records / ours_s),
    }
