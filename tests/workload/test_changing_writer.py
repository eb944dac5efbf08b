"""The client that changes and deletes: what it wrote is what is there, and nothing else is."""

import threading

import pytest

from chromadrill.checks.acknowledged import holes_in, lost_writes
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Acknowledged, Scope
from chromadrill.targets.process.private_copy import scratch_target
from chromadrill.workload.changing_writer import ChangingWriter
from chromadrill.workload.writer import CHANGE, random_vector, read_complete_writes
from tests.conftest import info


def write(number, value=None, *, is_deletion=False):
    value = number if value is None else value
    return Acknowledged(float(value), "c", f"write-{number:06d}", "", value, is_deletion)


CHANGED = write(0, CHANGE)
DELETED = write(1, 1, is_deletion=True)


@pytest.mark.parametrize(
    ("ledger", "present", "lost", "holes"),
    [
        ([write(0), CHANGED], {"write-000000": CHANGE}, [], []),
        ([write(0), CHANGED], {"write-000000": 0}, [CHANGED], []),
        ([write(0), CHANGED], {"write-000000": 2 * CHANGE}, [], []),  # one in flight
        ([write(1), DELETED], {}, [], []),
        ([write(1), DELETED], {"write-000001": 1}, [DELETED], []),
        ([write(1), DELETED, write(2)], {"write-000001": 1, "write-000002": 2}, [DELETED], [DELETED]),
        ([write(0), write(2)], {"write-000000": 0, "write-000009": 9}, [write(2)], [write(2)]),
    ],
)  # fmt: skip
def test_lost_is_what_no_later_write_explains(ledger, present, lost, holes):
    assert lost_writes(ledger, present) == lost
    assert holes_in(ledger, present) == holes


def test_record_whose_deletion_is_in_flight_is_not_asked_for():
    sent, answer = threading.Event(), threading.Event()

    class Deleting(ChangingWriter):
        def _send(self, chroma, batch):
            if batch[0].is_deletion:
                sent.set()
                answer.wait(10)

    with Deleting("http://127.0.0.1:9", info(), batch=5, turns=("new", "delete")) as writer:
        assert sent.wait(10)
        assert (len(writer.acknowledged), len(writer.ledger())) == (5, 4)
        writer._stop.set()
        answer.set()
    assert len(writer.ledger()) == 6  # its five records, and the deletion of one


@pytest.fixture
def server():
    with scratch_target((Scope(),), room_for=10_000_000) as target:
        target.start()
        yield target


@pytest.mark.slow
def test_server_holds_what_it_acknowledged_and_no_deleted_record(server):
    with Chroma(server.url) as chroma:
        writes = chroma.create_collection(Scope(), "changes")
        with ChangingWriter(server.url, writes, vectors=random_vector) as first:
            first.wait_for(60)
        with ChangingWriter(
            server.url, writes, vectors=random_vector, before=first.ledger()
        ) as writer:
            writer.wait_for(len(first.acknowledged) + 60)
        present = read_complete_writes(chroma, writes)
        ledger = writer.ledger()
        deleted = {line.id for line in ledger if line.is_deletion}
        assert deleted
        assert any(line.value >= CHANGE for line in ledger)
        assert lost_writes(ledger, present) == []
        assert chroma.count(writes) == len(present) == len({w.id for w in ledger} - deleted)
