"""Servers of ours: on 127.0.0.1, and silent about clients that leave."""

import socket
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from chromadrill.core.loopback_server import LoopbackServer

WORDS = {"left": ConnectionResetError("the client is gone"), "broken": ZeroDivisionError("a bug")}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        raise WORDS[self.path.strip("/")]

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with LoopbackServer(Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(("path", "is_said"), [("left", False), ("broken", True)])
def test_error_is_said_unless_the_client_left(server, capfd, path, is_said):
    with socket.create_connection(server.server_address, timeout=10) as client:
        client.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
        assert client.recv(1) == b""  # what is said is said before the connection ends
    assert (str(WORDS[path]) in capfd.readouterr().err) is is_said


def test_address_is_one_of_this_machine_alone(server):
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}"
    assert server.server_address[0] == "127.0.0.1"
