"""A request of many rows goes in the parts that a server takes, each row once and in its order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.chroma.call_failed import CallFailed, RowTooLarge
from chromadrill.chroma.row_requests import RowRequests, joined


class Server:
    """Takes requests up to `limit` bytes; drops the connection over larger ones, or answers 413."""

    def __init__(self, limit, status=413):
        self.limit, self.status, self.rows, self.sent = limit, status, [], []

    def send(self, body, content):
        self.sent.append(len(content))
        if len(content) > self.limit:
            raise CallFailed("POST /upsert", self.status, "no", is_access=True)
        self.rows += body["ids"]
        return {"ids": body["ids"], "include": ["x"], "uris": None}


def send(requests, server, ids):
    body = {"ids": ids, "uris": None, "include": ["x"]}
    return requests.send(server.send, body, ["ids", "uris"], lambda one: f"'{one['ids'][0]}'")


@given(ids=st.lists(st.text(max_size=30), max_size=60), limit=st.integers(250, 2000))
def test_every_row_arrives_once_and_in_order(ids, limit):
    server = Server(limit)
    answers = send(RowRequests(), server, ids)
    assert server.rows == ids
    assert joined(answers) == {"ids": ids, "include": ["x"], "uris": None}


def test_size_that_was_refused_is_not_tried_again():
    requests, server = RowRequests(), Server(300)
    for _ in range(20):
        send(requests, server, ["twenty-characters..."] * 40)
    assert sum(size > server.limit for size in server.sent) <= 3


def test_row_that_is_too_large_alone_is_named_with_its_size_and_what_went():
    server = Server(300)
    with pytest.raises(RowTooLarge, match="'bbbb") as refused:
        send(RowRequests(), server, ["a", "b" * 400, "c"])
    assert server.rows == ["a"]
    assert refused.value.request_bytes > 400
    assert refused.value.taken_bytes == server.sent[1]


def test_connection_closed_over_a_large_request_is_tried_in_halves():
    requests, server = RowRequests(), Server(300, status=0)
    ids = ["twenty-characters..."] * 40
    send(requests, server, ids)
    assert server.rows == ids
    assert requests.refused_bytes is None


def test_other_refusals_are_raised_at_once():
    server = Server(0, status=400)
    with pytest.raises(CallFailed):
        send(RowRequests(), server, ["a", "b"])
    assert len(server.sent) == 1
