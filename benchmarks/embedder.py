"""python -m benchmarks.embedder [--documents 300]: what the default embedder costs, cold and warm.

Each row is a process of its own: the default embedder by workers, threads and batches, and
sentence-transformers where the extra `embed` is installed. Processor time is the figure: clock time
says as much of what else runs. The memory is what the process has more than before it loaded the model.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time

from chromadrill.core.errors import Unavailable
from chromadrill.embedding import minilm, sentence_transformer
from chromadrill.embedding.weights import find_model_files
from chromadrill.workload.data.stdlib import documents

WORDS = range(40, 81)  # of a document
ROUNDS = ("cold", "warm", "warm")
# name, workers, threads, batch size
ROWS = [
    ("onnxruntime", 1, 1, 8),
    ("onnxruntime", 2, 1, 8),
    ("onnxruntime", 1, 2, 8),
    *(("onnxruntime", 2, 1, size) for size in (4, 16, 32)),
    ("torch", 1, 1, 8),
    ("torch", 2, 1, 8),
]
COLUMNS = (
    "engine", "workers", "threads", "batch", "processor s to load (clock)",
    "processor ms a document, cold", "warm", "documents a second", "MB more, loaded", "at work",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedder", description=__doc__)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--row", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        sys.stdout.write(measure(args.documents, *args.row))
        return 0
    try:
        find_model_files()
    except Unavailable as error:
        parser.exit(2, f"{error}\n")
    sys.stdout.write(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n")
    for row in ROWS:
        if row[0] == "torch" and importlib.util.find_spec("sentence_transformers") is None:
            continue
        command = [sys.executable, "-m", "benchmarks.embedder", "--documents", str(args.documents)]
        command += ["--row", json.dumps(row)]
        sys.stdout.write(
            subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        )
        sys.stdout.flush()
    return 0


def measure(count: int, engine: str, workers: int, threads: int, batch_size: int) -> str:
    """One line of the table."""
    texts = [one.text for one in documents() if len(one.text.split()) in WORDS]
    texts = texts[:: max(1, len(texts) // count)][:count]
    load = minilm.load if engine == "onnxruntime" else sentence_transformer.load
    before_mb, started, used = resident_mb(), time.perf_counter(), time.process_time()
    model = load(workers=workers, threads=threads, batch_size=batch_size)
    load_s, clock_s = time.process_time() - used, time.perf_counter() - started
    loaded_mb = resident_mb()
    costs_ms, rates = [], []
    for _ in ROUNDS:
        started, used = time.perf_counter(), time.process_time()
        model.embed(texts)
        costs_ms.append((time.process_time() - used) / len(texts) * 1000)
        rates.append(len(texts) / (time.perf_counter() - started))
    cells = (
        engine, workers, threads, batch_size, f"{load_s:.1f} ({clock_s:.1f})", f"{costs_ms[0]:.1f}",
        f"{min(costs_ms[1:]):.1f}", f"{max(rates):.0f}", f"{loaded_mb - before_mb:.0f}",
        f"{resident_mb() - before_mb:.0f}",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |\n"


def resident_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    sys.exit(main())
