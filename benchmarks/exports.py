"""The rows of exports: writing against bare paging, importing against bare upserts, memory."""

from __future__ import annotations

import subprocess
import sys
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


def memory(bench: Bench) -> Ratio:
    """Peak of a process that exports and one that imports: all the records, against a tenth."""
    peaks = {}
    for share in (10, 1):
        part = bench.records // share
        name = f"part-{share}"
        info = bench.chroma.create_collection(Scope(), name, hnsw={"space": "cosine"})
        for page in bench.chroma.pages(bench.info, size=1000):
            if bench.chroma.count(info) < part:
                bench.chroma.upsert(
                    info, ids=page.ids, vectors=page.vectors, documents=page.documents,
                    metadatas=page.metadatas,
                )  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="chromadrill-bench-") as folder:
            path = str(Path(folder) / "e.parquet")
            export_args = [
                "--url",
                bench.target.url,
                "--collection-name",
                name,
                "--output-file",
                path,
            ]
            peaks[f"export_{part}"] = _peak("backup_chromadb.py", *export_args)
            import_args = [
                "--url",
                bench.target.url,
                "--input-file",
                path,
                "--into",
                f"{name}-again",
            ]
            peaks[f"import_{part}"] = _peak("restore_chromadb.py", *import_args)
        for collection in (name, f"{name}-again"):
            bench.chroma.delete_collection(Scope(), collection)
    many, few = bench.records, bench.records // 10
    grown = max(peaks[f"{way}_{many}"] / peaks[f"{way}_{few}"] for way in ("export", "import"))
    return grown, {f"{key}_mb": round(value) for key, value in peaks.items()}


def _peak(script: str, *args: str) -> float:
    """MB of memory a script used at most."""
    code = (
        "import resource, runpy, sys\n"
        "try:\n    runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally:\n    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    path = Path(__file__).parents[1] / "scripts" / script
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.argv = sys.argv[1:]\n{code}",
        str(path),
        *args,
    ]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    unit = 1024 if sys.platform == "darwin" else 1
    return int(process.stdout.split()[-1]) / 1024 / unit
