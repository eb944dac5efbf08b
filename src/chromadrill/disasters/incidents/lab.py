"""Where incidents are rebuilt: stores and servers that are shared, and a folder of each incident."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo, Scope
from chromadrill.core.tar_members import extract
from chromadrill.targets.process.installed_releases import InstalledServer
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data.standard import create_scope

Run = Callable[[Sequence[str]], int]  # a command of ours; returns its exit code


@dataclass(frozen=True, slots=True)
class SeededFiles:
    """`data` is cold, `older` the same store half-way through, `before` its fingerprint's file."""

    data: Path
    older: Path
    before: Path


@dataclass(frozen=True, slots=True)
class Lab:
    """What recipes are given. `folder` is the incident's own; what the callables make is shared.

    `packed`: the folder of small stores that older releases made. `older_server` ends the recipe, as
    not covered, where that release cannot be had. `export` sets a variable for the commands.
    """

    name: str
    folder: Path
    packed: Path
    run: Run
    export: Callable[[str, str], None]
    seeded_store: Callable[[], SeededFiles]
    shared_server: Callable[[], str]
    older_server: Callable[[str], InstalledServer]
    postgresql: Callable[[], str]

    # ---- files ----------------------------------------------------------------------------------
    def copy_of_store(self) -> Path:
        """A copy of the seeded store, to be damaged."""
        return Path(shutil.copytree(self.seeded_store().data, self.folder / "data"))

    def unpack(self, name: str) -> Path:
        """A store that an older release made."""
        with tarfile.open(self.packed / f"{name}.tar.xz") as packed:
            for member in packed:
                extract(packed, member, self.folder)
        return self.folder / name

    # ---- servers --------------------------------------------------------------------------------
    def target(self, data: Path, server: InstalledServer | None = None) -> ProcessTarget:
        """A server of `data`, not started; of this release, or of `server`."""
        data.mkdir(exist_ok=True)
        home = self.folder / f"home-{sum(1 for _ in self.folder.glob('home-*'))}"
        target = ProcessTarget(home, owner=os.getpid(), server=server)
        target.data.rmdir()
        target.data.symlink_to(data)
        return target

    @contextmanager
    def server(self, data: Path, server: InstalledServer | None = None) -> Iterator[ProcessTarget]:
        """A running server of `data`."""
        target = self.target(data, server)
        try:
            target.start()
            yield target
        finally:
            target.remove()

    @contextmanager
    def url_of(self, data: Path) -> Iterator[str]:
        """The URL of a running server of `data`."""
        with self.server(data) as target:
            yield target.url

    @contextmanager
    def database(self) -> Iterator[tuple[Chroma, Scope]]:
        """An empty database of this incident alone, in the shared server."""
        scope = Scope(database=self.name)
        with Chroma(self.shared_server(), timeout_s=60) as chroma:
            create_scope(chroma, scope)
            yield chroma, scope
            for collection in chroma.collections(scope):
                chroma.delete_collection(scope, collection.name)

    # ---- on the way -----------------------------------------------------------------------------
    def must_run(self, *arguments: str | Path) -> None:
        """A command of ours that is part of the recipe: it has to succeed."""
        code = self.run([str(argument) for argument in arguments])
        if code:
            raise RuntimeError(f"{arguments[0]} ended with exit {code}: nothing is rebuilt.")

    def fingerprint(self, url: str, scope: Scope) -> Path:
        """The fingerprint of a database, before something happens to it."""
        file = self.folder / "before"
        self.must_run("fingerprint", "--url", url, "--scope", f"{scope}", "--output", file)
        return file


def fill(
    chroma: Chroma,
    scope: Scope,
    name: str,
    count: int,
    *,
    start: int = 0,
    dimension: int = 8,
    hnsw: JSON | None = None,
) -> CollectionInfo:
    """Write records `start` to `count` of a collection, which is created for the first."""
    if start:
        collection = chroma.collection(scope, name)
    else:
        collection = chroma.create_collection(scope, name, hnsw=hnsw)
    vectors = np.random.default_rng(3).normal(size=(count, dimension)).astype(np.float32)
    for first in range(start, count, 100):
        rows = range(first, min(first + 100, count))
        chroma.upsert(
            collection,
            ids=[f"{name}-{row}" for row in rows],
            vectors=vectors[first : rows.stop],
            documents=[f"record number {row} of {name}" for row in rows],
            metadatas=[{"n": row} for row in rows],
        )
    return collection
