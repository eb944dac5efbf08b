"""The client: what is no Chroma 1.x is named by a sentence, and every status is kept."""

import gc
import threading
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from chromadrill.chroma.api_values import space_of
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.connection import connect
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.loopback_server import LoopbackServer


class Stub(BaseHTTPRequestHandler):
    """Not a Chroma: what each test wants to meet. `answers` maps a path to status and body."""

    answers: dict = {}  # noqa: RUF012

    def do_GET(self):
        status, body = self.answers.get(self.path, (404, "not found"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def stub():
    """Starts an HTTP server with the given answers; returns its URL."""
    servers = []

    def start(answers):
        handler = type("Handler", (Stub,), {"answers": answers})
        server = LoopbackServer(handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server.url

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_url_that_does_not_answer_is_a_sentence():
    with pytest.raises(Unavailable, match=r"No answer from http://127\.0\.0\.1:9"):
        connect("http://127.0.0.1:9")


def test_server_that_is_not_chroma_is_a_sentence(stub):
    with pytest.raises(Unavailable, match="not a Chroma 1"):
        connect(stub({"/": (200, "hello")}))


def test_page_that_answers_everything_with_200_is_not_chroma(stub):
    pages = {"/api/v2/heartbeat": (200, "<html>"), "/api/v2/healthcheck": (200, "<html>")}
    with pytest.raises(Unavailable, match="not a Chroma 1"):
        connect(stub(pages))


def test_old_server_is_told_apart(stub):
    with pytest.raises(Unavailable, match=r"older than 1\.0"):
        connect(stub({"/api/v1/heartbeat": (200, '{"nanosecond heartbeat": 1}')}))


def test_url_with_api_v1_is_told_that_it_is_gone():
    with pytest.raises(Unavailable, match="410 on /api/v1"):
        connect("http://127.0.0.1:9/api/v1")


@pytest.mark.parametrize("url", ["http://", "not a url", "http://127.0.0.1:99999"])
def test_nonsense_is_a_sentence(url):
    with pytest.raises((Unavailable, UsageError), match="URL"):
        connect(url)


def test_status_is_kept(stub):
    with Chroma(stub({"/x": (503, "later")})) as chroma, pytest.raises(CallFailed) as failed:
        chroma.call("GET", "/x")
    assert failed.value.status == 503


def test_legacy_metric_in_the_metadata_wins():
    assert space_of({"hnsw:space": "cosine"}, {"hnsw": {"space": "l2"}}) == "cosine"
    assert space_of(None, {"hnsw": {"space": "ip"}}) == "ip"
    assert space_of(None, None) == "l2"


def test_an_answer_is_freed_with_its_last_reader(stub):
    """Without a search for circles of references: pages of 4 MB piled up between two of them."""
    with Chroma(stub({"/x": (200, "[1]"), "/y": (404, "{}")})) as chroma:
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                chroma.call("GET", "/x")
                with pytest.raises(CallFailed):
                    chroma.call("GET", "/y")
            kept = [one for one in gc.get_objects() if isinstance(one, httpx.Response)]
        finally:
            gc.enable()
    assert not kept
