"""A collection that steady clients write to, stores of two sizes, and the table of what was measured."""

import contextlib
import secrets
import shutil

import numpy as np
import pytest

from chromadrill.chroma.connection import connect
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.targets.disk.placed import placed_on
from chromadrill.targets.disk.snapshot_disk import block_disk, clone_disk, subvolume_disk
from chromadrill.targets.process.private_copy import scratch_target
from chromadrill.targets.process.target import ProcessTarget
from suites.power_cut.conftest import flusher  # noqa: F401 - beside the server, as operators run it

DISKS = {"block": block_disk, "btrfs": subvolume_disk, "xfs": clone_disk}
# The ballast is few records of much text: it makes a store large, and judging it no longer.
TEXT_BYTES, OF_A_CALL = 50_000, 50
OF_A_MB = 9  # records; the database keeps a text more than once


@pytest.fixture
def writes(target, run_name):
    """Synced every hundred records, so that every try has index files rewritten in it."""
    return new_writes(target.url, run_name)


def new_writes(url, run_name):
    """The collection that clients write to."""
    hnsw = {"space": "l2", "sync_threshold": 100, "batch_size": 100}
    with connect(url) as chroma:
        return chroma.create_collection(Scope(), f"drill-{run_name}-writes", hnsw=hnsw)


@pytest.fixture(scope="session")
def hot_copies():
    """Method -> its tries, in this session."""
    return {}


@pytest.fixture(scope="session")
def ballast(tmp_path_factory, settings):
    """A store of `[drill] hot_copy_store_mb`, made once."""
    folder = tmp_path_factory.mktemp("ballast") / "data"
    store_mb = settings.drill.hot_copy_store_mb
    with scratch_target((Scope(),), room_for=2_000_000 * store_mb) as server:
        server.start()
        with connect(server.url) as chroma:
            collection = chroma.create_collection(Scope(), "ballast")
            for first in range(0, OF_A_MB * store_mb, OF_A_CALL):
                rows = range(first, first + OF_A_CALL)
                chroma.upsert(
                    collection,
                    ids=[f"ballast-{row}" for row in rows],
                    vectors=np.eye(OF_A_CALL, dtype=np.float32),
                    metadatas=[{"text": secrets.token_hex(TEXT_BYTES // 2)} for _ in rows],
                )
        server.stop()
        shutil.copytree(server.data, folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def on_disk(request, target, settings):
    """`on_disk(kind, size)`: the target runs on a disk of its own, of which snapshots are taken."""
    if not isinstance(target, ProcessTarget):
        pytest.skip(f"{target.name} does not run on a disk of its own")
    with contextlib.ExitStack() as stack:

        def place(kind, size):
            try:
                # twice the store, and the snapshots of it, which hold no more until it changes
                megabytes = max(1024, 6 * settings.drill.hot_copy_store_mb)
                disk = stack.enter_context(DISKS[kind](megabytes))
            except Unavailable as error:
                pytest.skip(str(error))
            if size == "large":
                target.stop()
                shutil.rmtree(target.data)
                shutil.copytree(request.getfixturevalue("ballast"), target.data)
            stack.enter_context(placed_on(target, disk.data))
            return disk

        yield place
