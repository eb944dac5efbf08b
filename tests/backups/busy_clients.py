"""Clients that do not stop for a backup: they add, change and delete records, and drop a collection."""

import contextlib
import threading

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.clock import wait_until
from chromadrill.core.model import Scope

STABLE = 300  # records that nobody touches
MOVING = 20  # records that are written again and again
PAUSE_S = 0.002


def fill(url):
    """`docs` with stable and moving records, and `calm`, which nobody touches."""
    rng = np.random.default_rng(2)
    with Chroma(url) as chroma:
        docs = chroma.create_collection(Scope(), "docs", hnsw={"space": "cosine"})
        calm = chroma.create_collection(Scope(), "calm", hnsw={"space": "l2"})
        for info, names in (
            (docs, [f"stable-{n}" for n in range(STABLE)] + [f"moving-{n}" for n in range(MOVING)]),
            (calm, [f"calm-{n}" for n in range(50)]),
        ):
            chroma.upsert(
                info,
                ids=names,
                vectors=rng.normal(size=(len(names), 8)).astype(np.float32),
                documents=[f"text of {name}" for name in names],
                metadatas=[{"n": n} for n in range(len(names))],
            )


class BusyClients:
    """`with BusyClients(url):` they write until its end, whatever the server answers."""

    def __init__(self, url):
        self._url, self._stop = url, threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.writes = 0

    def __enter__(self):
        self._thread.start()
        self._wait_for(5)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)

    def write_after(self, monkeypatch, module, name):
        """While they write, it ends after a write: on a busy machine none may fall between."""
        function = getattr(module, name)

        def then_written(*args, **named):
            result = function(*args, **named)
            if not self._stop.is_set():
                self._wait_for(self.writes + 2)  # one round may have begun before
            return result

        monkeypatch.setattr(module, name, then_written)

    def _wait_for(self, writes):
        wait_until(lambda: self.writes >= writes, within_s=60, name="writes", every_s=0.01)

    def _write(self):
        rng, number = np.random.default_rng(5), 0
        with Chroma(self._url, timeout_s=60) as chroma:
            docs = chroma.collection(Scope(), "docs")
            while not self._stop.is_set():
                number += 1
                with contextlib.suppress(CallFailed):  # the server is stopped for the copy
                    self._one_round(chroma, docs, rng, number)
                    self.writes += 1
                self._stop.wait(PAUSE_S)

    def _one_round(self, chroma, docs, rng, number):
        names = [f"moving-{number % MOVING}", f"new-{number}"]
        chroma.upsert(
            docs,
            ids=names,
            vectors=rng.normal(size=(2, 8)).astype(np.float32),
            documents=[f"round {number}"] * 2,
        )
        chroma.delete(docs, [f"new-{number - 10}"])
