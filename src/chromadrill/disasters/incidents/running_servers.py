"""A running server with a history: what happened to it, or below it, before it is asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.clock import wait_until
from chromadrill.core.model import CollectionInfo, Outcome, Scope
from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.incidents.incident import (
    LIVE_BESIDE,
    SERVED,
    Incidents,
    Places,
)
from chromadrill.disasters.incidents.lab import Lab, fill
from chromadrill.targets.home import free_port
from chromadrill.targets.process.installed_releases import installed_server

RUNNING = Incidents("A running server with a history")
FLUSHED = {"sync_threshold": 100, "batch_size": 50}  # an index is written after 100 records
DEFAULT = str(Scope())


@RUNNING.add(
    "two servers on one folder",
    "MemPalace/mempalace#1581 MemPalace/mempalace#2002 chroma-core/chroma#7040 chroma-core/chroma#421",
    "Both answered, the count was right, and vectors of one writer were gone for good.",
    check="structure",
)
def two_servers(lab: Lab) -> Iterator[Places]:
    """Two servers of this release on one folder, written to by turns."""
    data = lab.folder / "data"
    with lab.server(data) as one, Chroma(one.url) as first:
        collection = fill(first, Scope(), "shared", 90, hnsw=FLUSHED)
        with lab.server(data) as other, Chroma(other.url) as second:
            second.count(collection)  # loads the index as it is now
            for start in range(90, 240, 40):
                fill(first, Scope(), "shared", start + 20, start=start)
                fill(second, Scope(), "shared", start + 40, start=start + 20)
    yield {"data": data}


def use(chroma: Chroma, collection: CollectionInfo) -> None:
    """As a client does: the server has the index in memory afterwards."""
    chroma.query(collection, np.full((1, 8), 0.1, np.float32))


@RUNNING.add(
    "folder gone below the server",
    "chroma-core/chroma#6499 chroma-core/chroma#2446",
    "Every read was right, writes failed; the next start was empty.",
    command="monitor --target {url} --write --for 5s --time-scale 0.02",
    check="writes refused",
)
def watched_without_a_folder(lab: Lab) -> Iterator[Places]:
    """The data directory is removed below a running server, which a monitor then writes to."""
    data = lab.folder / "data"
    with lab.server(data) as target:
        with Chroma(target.url) as chroma:
            use(chroma, fill(chroma, Scope(), "mine", 130, hnsw=FLUSHED))
        shutil.rmtree(data)
        yield {"url": target.url}


@RUNNING.add(
    "restored below a running server",
    "langchain-ai/langchain#14872 chroma-core/chroma#6499",
    "Stale answers, then: attempt to write a readonly database.",
    command=LIVE_BESIDE,
    check="distances",
)
def restored_below(lab: Lab) -> Iterator[Places]:
    """A backup is copied over the folder of a running server that has written since."""
    data, backup = lab.folder / "data", lab.folder / "backup"
    with lab.server(data) as target:
        with Chroma(target.url) as chroma:
            collection = fill(chroma, Scope(), "docs", 130, hnsw=FLUSHED)
        before = lab.fingerprint(target.url, Scope())
        target.stop()
        shutil.copytree(data, backup)
        target.start()
        with Chroma(target.url) as chroma:
            fill(chroma, Scope(), "docs", 250, start=130)
            use(chroma, collection)
        shutil.copytree(backup, data, dirs_exist_ok=True)
        yield {"url": target.url, "scope": DEFAULT, "before": before}


@contextmanager
def bare_server(folder: Path, *arguments: str, port: int) -> Iterator[str]:
    """`chroma run` as a person types it in a folder."""
    folder.mkdir(exist_ok=True)
    command = [*installed_server().command, "run", *arguments]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: is_ready(url, [Scope()]), within_s=60, name="a server")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def fill_first(lab: Lab, url: str) -> Path:
    """Some records, and the fingerprint of them."""
    with Chroma(url) as chroma:
        fill(chroma, Scope(), "docs", 30)
    return lab.fingerprint(url, Scope())


@RUNNING.add(
    "configuration moves the data",
    "chroma-core/chroma#4330",
    "A configuration file that set a port and nothing else: every collection seemed gone.",
    command=LIVE_BESIDE,
    check="inventory",
)
def configuration_moves_the_data(lab: Lab) -> Iterator[Places]:
    """A server with --path; then the same one with a configuration that names a port alone."""
    port, data = free_port(), lab.folder / "data"
    address = ("--path", str(data), "--port", str(port), "--host", "127.0.0.1")
    with bare_server(lab.folder, *address, port=port) as url:
        before = fill_first(lab, url)
    file = lab.folder / "config.yaml"
    file.write_text(f"port: {port}\nlisten_address: 127.0.0.1\n")
    with bare_server(lab.folder / "elsewhere", str(file), port=port) as url:
        yield {"url": url, "scope": DEFAULT, "before": before}


@RUNNING.add(
    "started from another folder",
    "chroma-core/chroma#1588 chroma-core/chroma#1609 chroma-core/chroma#6654",
    "Everything was gone after a restart: no path had been given, or a relative one.",
    command=LIVE_BESIDE,
    check="inventory",
)
def started_elsewhere(lab: Lab) -> Iterator[Places]:
    """A server without --path, started again from another working directory."""
    port = free_port()
    address = ("--port", str(port), "--host", "127.0.0.1")
    with bare_server(lab.folder / "here", *address, port=port) as url:
        before = fill_first(lab, url)
    with bare_server(lab.folder / "there", *address, port=port) as url:
        yield {"url": url, "scope": DEFAULT, "before": before}


@RUNNING.add(
    "killed with writes in the log alone",
    "chroma-core/chroma#6975 chroma-core/chroma#7463",
    "Are writes below the index's threshold lost when the process ends?",
    command=LIVE_BESIDE,
    outcome=Outcome.PASS,
)
def killed_with_a_tail(lab: Lab) -> Iterator[Places]:
    """SIGKILL while 30 of 130 records are in the log alone; the next start reads them from there."""
    with lab.server(lab.folder / "data") as target:
        with Chroma(target.url) as chroma:
            fill(chroma, Scope(), "docs", 130, hnsw=FLUSHED)
        before = lab.fingerprint(target.url, Scope())
        target.kill()
        target.start()
        yield {"url": target.url, "scope": DEFAULT, "before": before}


@RUNNING.add(
    "an empty wreck blocks the backup",
    "chroma-core/chroma#3474",
    "A collection that an old client had left without segments: no backup of anything.",
    command="backup --all --url {url} --output-file {file}",
    outcome=Outcome.UNKNOWN,
    message="--skip-damaged",
    since="0.2.0",
)
def empty_wreck(lab: Lab) -> Iterator[Places]:
    """One of two collections has no segments; both are asked for."""
    data = lab.folder / "data"
    with lab.server(data) as target:
        with Chroma(target.url) as chroma:
            fill(chroma, Scope(), "sound", 30)
            wreck = fill(chroma, Scope(), "wreck", 30)
        target.stop()
        with StoreEditor(data).edit() as db:
            db.execute("DELETE FROM segments WHERE collection = ?", (wreck.id,))
        target.start()
        yield {"url": target.url, "file": lab.folder / "export.jsonl"}


@RUNNING.add(
    "a volume that was never filled",
    "neomjs/neo#16254 chroma-core/chroma#280",
    "The volume that was backed up for months held a fresh, empty store.",
    command=SERVED,
    check="inventory",
    outcome=Outcome.UNKNOWN,
    since="0.2.0",
)
def never_filled(lab: Lab) -> Iterator[Places]:
    """A data directory on which a server was started and stopped."""
    with lab.server(lab.folder / "data"):
        pass
    yield {"data": lab.folder / "data"}
