"""A server is recorded while clients write to it: nothing is skipped, doubled, or a reason to fail."""

import numpy as np
import pytest

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint import recording
from chromadrill.chroma.fingerprint.recording import PART, record_server
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from tests.conftest import whole
from tests.gateway import answer, gateway

DOCS = "default_tenant/default_database/docs"
TORN = answer(500, b'{"error":"InternalError","message":"Error finding id"}')


def write(chroma, info, numbers):
    vectors = np.ones((len(numbers), 4), np.float32) * np.array(numbers, np.float32)[:, None]
    chroma.upsert(info, ids=[f"r{n:05}" for n in numbers], vectors=vectors)


@pytest.fixture
def docs(server):
    """A collection of three parts on a server that runs; whatever else a test makes goes too."""
    with Chroma(server.url) as chroma:
        for other in chroma.collections(Scope()):
            chroma.delete_collection(Scope(), other.name)
        info = chroma.create_collection(Scope(), "docs", hnsw={"space": "l2"})
        write(chroma, info, range(3 * PART))
        yield chroma.collection(Scope(), "docs")


@pytest.fixture
def client(server):
    with Chroma(server.url) as chroma:
        yield chroma


class Meanwhile:
    """Does something once, when a number of parts were read."""

    def __init__(self, act, parts=1):
        self.act, self.parts = act, parts

    def __call__(self, done):
        self.parts -= 1
        if self.parts == 0:
            self.act()


def ids_of(recorded, key=DOCS):
    return whole(recorded.fingerprint.collections[key].records)["id"].to_pylist()


def test_recording_holds_every_record_once_and_asks_some_for_themselves(docs, client):
    calls = client.calls
    recorded = record_server(client, [Scope()])
    collection = recorded.fingerprint.collections[DOCS]
    assert ids_of(recorded) == [f"r{n:05}" for n in range(3 * PART)]
    assert (collection.count, collection.answers) == (3 * PART, ())
    assert 200 <= collection.recall.self_asked < 210
    assert 180 <= collection.recall.self_found <= collection.recall.self_asked
    assert recorded.fingerprint.taken_at <= recorded.fingerprint.finished_at
    assert (recorded.dropped, recorded.without_vector) == ((), {})
    assert client.calls - calls < 20


def test_record_that_stays_is_not_skipped_where_clients_delete_those_before_it(docs, client):
    early = [f"r{n:05}" for n in range(PART - 10)]
    recorded = record_server(
        client, [Scope()], advance=Meanwhile(lambda: client.delete(docs, early))
    )
    assert ids_of(recorded) == [f"r{n:05}" for n in range(3 * PART)]


def test_record_that_is_deleted_before_it_is_read_is_not_there_and_an_added_one_doubles_none(
    docs, client
):
    def act():
        client.delete(docs, [f"r{n:05}" for n in range(2 * PART, 2 * PART + 7)])
        write(client, docs, range(2 * PART - 3, 2 * PART))
        write(client, docs, range(90_000, 90_600))

    ids = ids_of(record_server(client, [Scope()], advance=Meanwhile(act)))
    gone = set(range(2 * PART, 2 * PART + 7))
    assert ids == [f"r{n:05}" for n in range(3 * PART) if n not in gone]


@pytest.mark.parametrize("again", [False, True])
def test_collection_that_is_dropped_while_it_is_read_is_named_and_left_out(docs, client, again):
    other = client.create_collection(Scope(), "other")
    write(client, other, range(5))

    def drop():
        client.delete_collection(Scope(), "docs")
        if again:
            client.create_collection(Scope(), "docs")

    recorded = record_server(client, [Scope()], advance=Meanwhile(drop))
    assert recorded.dropped == (DOCS,)
    assert list(recorded.fingerprint.collections) == ["default_tenant/default_database/other"]


def test_collection_that_is_dropped_before_its_turn_is_left_out(docs, client):
    write(client, client.create_collection(Scope(), "zebra"), range(5))

    def drop():
        client.delete_collection(Scope(), "zebra")

    recorded = record_server(client, [Scope()], advance=Meanwhile(drop))
    assert recorded.dropped == ("default_tenant/default_database/zebra",)
    assert len(ids_of(recorded)) == 3 * PART


def test_answer_that_a_client_tore_is_asked_for_again(server, docs, monkeypatch):
    monkeypatch.setattr(recording, "PAUSE_S", 0.0)
    with gateway(_=server.url) as front, Chroma(front.url) as chroma:
        torn = []

        def refuse(number, path):
            if path.endswith("/get") and number % 2:
                torn.append(number)
                return TORN
            return None

        front.refuse = refuse
        recorded = record_server(chroma, [Scope()])
    assert torn
    assert len(ids_of(recorded)) == 3 * PART


def test_record_deleted_while_lost_vectors_are_looked_for_has_lost_nothing(
    server, docs, client, monkeypatch
):
    """Every answer with vectors is torn until a client has deleted the record that tears it."""
    monkeypatch.setattr(recording, "PAUSE_S", 0.0)

    class Torn(Chroma):
        def get(self, collection, **more):
            ids, include = more.get("ids") or (), more.get("include", ())
            if "embeddings" in include and "r00007" in ids:
                raise CallFailed("POST /get", 500, "Error finding id")
            if not include:
                client.delete(docs, ["r00007"])
            return super().get(collection, **more)

    with Torn(server.url) as chroma:
        recorded = record_server(chroma, [Scope()])
    assert recorded.without_vector == {}
    assert "r00007" not in ids_of(recorded)


def test_record_whose_vector_is_lost_is_recorded_without_it_and_named(server, docs, monkeypatch):
    monkeypatch.setattr(recording, "PAUSE_S", 0.0)

    class Torn(Chroma):
        def get(self, collection, **more):
            if "embeddings" in more.get("include", ()) and "r00007" in (more.get("ids") or ()):
                raise CallFailed("POST /get", 500, "Error finding id")
            return super().get(collection, **more)

    with Torn(server.url) as chroma:
        recorded = record_server(chroma, [Scope()])
    assert recorded.without_vector == {DOCS: ("r00007",)}
    records = whole(recorded.fingerprint.collections[DOCS].records)
    assert records.filter(records["vector"].is_null())["id"].to_pylist() == ["r00007"]


def test_server_that_fails_for_good_is_no_recording(server, docs, monkeypatch):
    monkeypatch.setattr(recording, "PAUSE_S", 0.0)
    with gateway(_=server.url) as front, Chroma(front.url) as chroma:
        front.refuse = lambda number, path: TORN if path.endswith("/get") else None
        with pytest.raises(CallFailed, match="500"):
            record_server(chroma, [Scope()])


def test_tenant_that_is_missing_is_no_recording(client):
    with pytest.raises(Unavailable, match="No such tenant: nobody"):
        record_server(client, [Scope("nobody", "db")])
