"""The store `killed-within-a-flush`: SIGKILL of a real server (1.5.9) while it writes an index.

    python kill_within_flush.py FOLDER TRIES

400 records, each batch writes 50 of them again; the index is written after 200. Each try waits for
the first of the index's files to change, kills the server up to 20 ms later, and looks at the list of
ids: where that has 0 bytes, FOLDER is what is kept. Of 40 tries 3 were; with 2,000 records of 64
dimensions 7 of 60. Nothing here is imported by a test.
"""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.clock import wait_until
from chromadrill.core.model import Scope
from chromadrill.targets.home import free_port

RECORDS, BATCH = 400, 50


def start(folder):
    port = free_port()
    address = ["--path", str(folder), "--port", str(port), "--host", "127.0.0.1"]
    server = subprocess.Popen(["chroma", "run", *address], stdout=subprocess.DEVNULL)  # noqa: S607
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_ready(url, [Scope()]), within_s=60, name="a server")
    return server, url


def write(chroma, collection, rows):
    chroma.upsert(
        collection,
        ids=[f"r{row}" for row in rows],
        vectors=np.random.default_rng().normal(size=(len(rows), 4)).astype(np.float32),
        documents=[f"text {row}" for row in rows],
    )


def keep_writing(url, collection):
    with Chroma(url) as chroma:
        try:
            while True:
                write(chroma, collection, random.sample(range(RECORDS), BATCH))
        except CallFailed:
            return


def times(folder):
    return {file: file.stat().st_mtime_ns for file in folder.glob("*/*")}


def kill_within_flush(folder):
    """Whether the list of ids was hit."""
    server, url = start(folder)
    with Chroma(url) as chroma:
        collection = chroma.collection(Scope(), "coll")
    before = times(folder)
    writer = threading.Thread(target=keep_writing, args=(url, collection))
    writer.start()
    while times(folder) == before:
        time.sleep(0.0003)
    time.sleep(random.uniform(0, 0.02))
    server.kill()
    server.wait()
    writer.join()
    return any(not file.stat().st_size for file in folder.glob("*/index_metadata.pickle"))


def main(folder, tries):
    os.makedirs(folder)  # noqa: PTH103 - it must not be there
    server, url = start(folder)
    with Chroma(url) as chroma:
        hnsw = {"sync_threshold": 200, "batch_size": 100}
        collection = chroma.create_collection(Scope(), "coll", hnsw=hnsw)
        for first in range(0, RECORDS, BATCH):
            write(chroma, collection, range(first, first + BATCH))
    server.terminate()
    server.wait()
    for number in range(tries):
        if kill_within_flush(folder):
            print(f"hit by kill {number + 1}")  # noqa: T201
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
