"""A small real server for the tests that need one, and made-up fingerprints for those that do not."""

import contextlib
import dataclasses
import gc
import os
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from chromadrill.chroma import permissions
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint.digests import RECORDS, record_table
from chromadrill.core.model import (
    Answer,
    CollectionInfo,
    CollectionPrint,
    Fingerprint,
    Observation,
    Page,
    Recall,
    Scope,
)
from chromadrill.core.records.streams import RecordsInMemory
from chromadrill.core.redaction import forget_passwords
from chromadrill.targets.process.target import ProcessTarget

TESTS = Path(__file__).parent
KEY = "default_tenant/default_database/docs"
with contextlib.suppress(ModuleNotFoundError):  # the embedder's test runs where no hypothesis is
    from hypothesis import settings

    # on a busy machine one example may take long: its time proves nothing. The same examples each time:
    # a run is red by what has changed. Others are tried by pytest --hypothesis-profile explore
    settings.register_profile("explore", deadline=None)
    settings.register_profile("repeatable", deadline=None, derandomize=True)
    settings.load_profile("repeatable")


# longest first: a worker that began one of these last would still be at it when the others have ended
LONGEST_FILES = (
    "drill/test_latency_suite.py",  # slow, and waits for most of a minute
    "workload/load/test_locust.py",  # its slow tests take minutes
    "recovery/rebuild/test_rebuild.py",
    "recovery/rebuild/test_any_embedder.py",
    "backups/export/test_round_trip_servers.py",
    "recovery/rebuild/test_vectors_from.py",
    "chroma/at_rest/test_damage.py",
    "chroma/test_at_rest_reader.py",
    "recovery/rebuild/test_whole_source.py",
    "workload/test_questions.py",
    "drill/test_access.py",
    "recovery/reconcile/test_command.py",
    "embedding/test_services.py",
    "backups/export/test_awkward_collections.py",
    "recovery/salvage/test_guards.py",
    "drill/test_run_guard.py",
    "commands/test_front_door.py",
    "backups/export/test_requirements.py",
    "monitoring/test_monitor.py",
    "recovery/rebuild/test_any_source.py",
    "chroma/at_rest/test_servable.py",
    "recovery/rebuild/test_bad_input.py",
    "monitoring/betterstack/test_commands.py",
    "commands/test_command_ends.py",
    "commands/test_validate_until.py",
    "drill/test_access_properties.py",
)


def pytest_collection_modifyitems(items):
    """In the order in which workers shall begin the files (`--dist loadfile`)."""
    order = {TESTS / name: number for number, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def pytest_collection_finish():
    """Python's search for circular garbage costs the tests a tenth of their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_configure():
    """Ctrl-C ends what the tests start, also where the shell that started pytest ignores it (`&`)."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def forget_declarations():
    """What a test declares of a server holds for that test: addresses come again."""
    before = permissions.declarations()
    yield
    forget_passwords()
    permissions.forget()
    for url, access in before.items():
        permissions.declare(url, access)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running `process` target with one collection of 30 records."""
    with filled_server(tmp_path_factory.mktemp("server") / "home") as target:
        yield target


@contextlib.contextmanager
def filled_server(home):
    target = ProcessTarget(home, owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        fill(chroma)
    yield target
    target.remove()


def fill(chroma, name="docs", records=30):
    info = chroma.create_collection(Scope(), name, hnsw={"space": "l2"})
    rng = np.random.default_rng(1)
    chroma.upsert(
        info,
        ids=[f"r{n}" for n in range(records)],
        vectors=rng.normal(size=(records, 8)).astype(np.float32),
        documents=[f"document number {n} about {'ab'[n % 2] * 5}" for n in range(records)],
        metadatas=[{"n": n, "even": n % 2 == 0, "f": n / 2} for n in range(records)],
    )
    return chroma.collection(Scope(), name)


def page(**changes):
    base = Page(
        ids=["a", "b", "c"],
        documents=["one", "two", None],
        metadatas=[{"n": 1}, {"n": 2.0}, None],
        uris=["u", None, None],
        vectors=np.arange(12, dtype=np.float32).reshape(3, 4),
    )
    return dataclasses.replace(base, **changes)


def info(**changes):
    base = CollectionInfo(
        id="1",
        name="docs",
        tenant="default_tenant",
        database="default_database",
        dimension=4,
        metadata={"v": 1},
        configuration={"hnsw": {"space": "l2", "ef_search": 100}},
        schema={"keys": {}},
        space="l2",
    )
    return dataclasses.replace(base, **changes)


def whole(records):
    """All rows of records as one table."""
    return pa.concat_tables([RECORDS.empty_table(), *records.batches()])


ANSWERS = (
    Answer("neighbours", {"id": "a"}, (["a", 0.0], ["b", 4.0]), (["a", 0.0], ["b", 4.0])),
    Answer("filter", {"where": {"n": 1}}, (1, "00"), (1, "00")),
    Answer("text", {"id": "a", "start": 0, "length": 3}, (1, "00"), (1, "00")),
)


def printed(of=None, *, answers=ANSWERS, recall=Recall(100, 100, 100, 100), count=None, **changes):  # noqa: B008
    records = RecordsInMemory(record_table(of or page()))
    return CollectionPrint(
        info(**changes), len(records) if count is None else count, records, answers, recall
    )


def fingerprint(*prints, **changes):
    base = Fingerprint(
        taken_at="2026-01-01T00:00:00.000Z",
        taken="live",
        versions={"api": "1.0.0"},
        scopes=(Scope(),),
        databases=(Scope(),),
        collections={each.info.key: each for each in prints or (printed(),)},
    )
    return dataclasses.replace(base, **changes)


def observed(*prints, read_errors=(), missing_tenants=(), **changes):
    seen = fingerprint(*prints, **changes)
    counts = {key: each.count for key, each in seen.collections.items()}
    return Observation(seen, tuple(read_errors), tuple(missing_tenants), counts)
