"""What a server on this machine answers, and how it fails, is told as httpx's own transport tells it."""

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from chromadrill.core.http import http_client
from chromadrill.core.loopback_transport import LoopbackTransport

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
LARGE = bytes(range(256)) * 8192
ANSWERS = {
    "/sized": OK + b"content-length: 5\r\n\r\nhello",
    "/large": OK + b"content-length: %d\r\n\r\n" % len(LARGE) + LARGE,
    "/chunked": OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "/until-close": OK + b"connection: close\r\n\r\nhello",
    "/empty": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/missing": b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nx-a: 1\r\nx-a: 2\r\n\r\nno",
    "/closed": b"",
    "/cut-body": OK + b"content-length: 50\r\n\r\nhello",
    "/cut-chunk": OK + b"transfer-encoding: chunked\r\n\r\n50\r\nhello",
    "/cut-head": b"HTTP/1.1 200 O",
    "/cut-header": b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-",
    "/no-blank-line": b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n",
    "/garbage": b"what is this\r\n\r\n",
}
CLOSES = {
    "/until-close",
    "/closed",
    "/cut-body",
    "/cut-chunk",
    "/cut-head",
    "/cut-header",
    "/no-blank-line",
    "/garbage",
}


EARLY = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"


class Server:
    """Answers by the path, byte for byte; /silent never answers, /reset resets the connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.requests, self.connections = [], 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as lines, contextlib.suppress(OSError):
            while head := lines.readline():
                headers = {}
                while (line := lines.readline().strip()) != b"":
                    name, _, value = line.partition(b":")
                    headers[name.lower()] = value.strip()
                path = head.split()[1].decode().partition("?")[0]
                if path == "/early":  # as of a body that is too large
                    connection.sendall(EARLY)
                    return
                body = lines.read(int(headers.get(b"content-length", 0)))
                self.requests.append((head.strip(), headers, body))
                if path == "/silent":
                    lines.read(1)
                    return
                if path == "/reset":
                    linger = b"\1\0\0\0\0\0\0\0"
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                connection.sendall(ANSWERS[path])
                if path in CLOSES:
                    return


@pytest.fixture
def server():
    running = Server()
    yield running
    running.listener.close()


def outcome(url, path, transport):
    """What the call gave: status, headers and body, or the class and the words of the error."""
    timeout_s = 0.3 if path == "/silent" else 60
    with httpx.Client(base_url=url, timeout=timeout_s, transport=transport) as client:
        try:
            answer = client.post(path, content=b"{}")
        except httpx.HTTPError as error:
            return type(error), str(error)
        return answer.status_code, answer.headers.multi_items(), answer.content


@pytest.mark.slow
@pytest.mark.parametrize("path", [*sorted(ANSWERS), "/silent", "/reset"])
def test_answers_and_errors_are_those_of_httpx(server, path):
    ours = outcome(server.url, path, LoopbackTransport())
    theirs = outcome(server.url, path, httpx.HTTPTransport())
    assert ours[0] == theirs[0]
    if path != "/garbage":  # two parsers, two words for nonsense
        assert ours == theirs


def test_an_answer_that_comes_before_the_body_was_sent_is_read(server):
    with httpx.Client(base_url=server.url, transport=LoopbackTransport()) as client:
        answer = client.post("/early", content=b"x" * 10_000_000)
    assert (answer.status_code, answer.content) == (413, b"big")


def test_nothing_that_listens_is_a_connect_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ours = outcome(url, "/sized", LoopbackTransport())
    assert ours == outcome(url, "/sized", httpx.HTTPTransport())
    assert ours[0] is httpx.ConnectError


def test_what_is_sent_is_what_httpx_sends(server):
    for transport in (LoopbackTransport(), httpx.HTTPTransport()):
        with httpx.Client(base_url=server.url, transport=transport) as client:
            client.post("/sized?a=%20b", json={"x": 1}, headers={"authorization": "Bearer t"})
            client.get("/sized")
    assert server.requests[:2] == server.requests[2:]


def test_a_body_in_parts_is_sent_with_its_length(server):
    with httpx.Client(base_url=server.url, transport=LoopbackTransport()) as client:
        client.post("/sized", content=iter([b"one", b"two"]))
    assert server.requests[0][2] == b"onetwo"


def test_a_connection_serves_many_requests_until_the_server_closes_it(server):
    with httpx.Client(base_url=server.url, transport=LoopbackTransport()) as client:
        for path in ("/sized", "/chunked", "/large", "/missing", "/empty", "/sized"):
            client.get(path)
        assert server.connections == 1
        client.get("/until-close")
        client.get("/sized")
        assert server.connections == 2


def test_a_connection_closed_while_idle_is_not_used_again(server):
    transport = LoopbackTransport()
    with httpx.Client(base_url=server.url, transport=transport) as client:
        client.get("/sized")
        (idle,) = transport._idle
        idle.sock.shutdown(socket.SHUT_WR)  # the server sees the end, and closes
        assert idle.sock.recv(1) == b""
        assert client.get("/sized").text == "hello"


def test_two_requests_at_once_have_a_connection_each(server):
    with (
        httpx.Client(base_url=server.url, transport=LoopbackTransport()) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(client.get, ["/large", "/sized"] * 20))
    assert [answer.content for answer in answers] == [LARGE, b"hello"] * 20
    assert server.connections <= 8


def test_a_body_left_unread_costs_its_connection(server):
    with httpx.Client(base_url=server.url, transport=LoopbackTransport()) as client:
        with client.stream("GET", "/large") as answer:
            assert answer.status_code == 200
        assert client.get("/sized").text == "hello"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("https://127.0.0.1:8000", False),
        ("http://chroma.example:8000", False),
    ],
)
def test_only_plain_http_to_this_machine_goes_this_way(url, ours):
    with http_client(url, timeout_s=1) as client:
        assert isinstance(client._transport, LoopbackTransport) is ours
