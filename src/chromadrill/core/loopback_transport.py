"""HTTP/1.1 to this machine, for httpx: the standard library's connection reads a body in one piece.

httpx's own transport copies a body five times, 64 kB at a time: a page of records (4 MB) costs it six
times the processor time. It goes on serving everything that is not plain HTTP on loopback.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import httpx

CHUNK = 1 << 16  # of a body whose length is not known


class LoopbackTransport(httpx.BaseTransport):
    """Connections that are kept open between requests; as many as there are requests at once."""

    def __init__(self) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the body of its answer is read later. Raises httpx.TransportError."""
        timeouts = request.extensions.get("timeout", {})
        body = request.read()
        connection = self._connected(request.url, timeouts)
        try:
            # an answer that came before the request was written whole is read all the same (413)
            with (
                contextlib.suppress(httpx.WriteError),
                _as_httpx_errors(request, writing=True),
            ):
                connection.sock.settimeout(timeouts.get("write"))
                _send(connection, request, body)
            with _as_httpx_errors(request):
                connection.sock.settimeout(timeouts.get("read"))
                answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            answer.status,
            headers=answer.getheaders(),
            stream=_Body(self, request, connection, answer),
            extensions={"reason_phrase": answer.reason.encode("latin-1")},
        )

    def close(self) -> None:
        """Close the connections that no request uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Take back a connection whose answer was read to its end."""
        with self._lock:
            self._idle.append(connection)

    def _connected(self, url: httpx.URL, timeouts: Any) -> http.client.HTTPConnection:
        port = url.port or http.client.HTTP_PORT
        while connection := self._pop(url.host, port):
            if not _is_readable(connection.sock):
                return connection
            connection.close()  # the server has closed it, or speaks without being asked
        connection = http.client.HTTPConnection(url.host, port, timeout=timeouts.get("connect"))
        connection.response_class = _Response
        try:
            connection.connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    def _pop(self, host: str, port: int) -> http.client.HTTPConnection | None:
        with self._lock:
            for place, connection in enumerate(self._idle):
                if (connection.host, connection.port) == (host, port):
                    return self._idle.pop(place)
        return None


class _Response(http.client.HTTPResponse):
    """An answer whose head has an end: the library takes one that is cut for a whole one."""

    def begin(self) -> None:
        """Read status and headers. Raises RemoteDisconnected where the connection ends within them."""
        file = self.fp
        self.fp = _LinesOfHead(file)  # type: ignore[assignment]
        super().begin()
        if self.fp is not None:
            self.fp = file


class _LinesOfHead:
    """The lines of a head."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.close, self.flush = file.close, file.flush

    def readline(self, limit: int = -1) -> bytes:
        line = self._file.readline(limit)
        if not line.endswith(b"\n") and len(line) != limit:
            raise http.client.RemoteDisconnected("")
        return line


class _Body(httpx.SyncByteStream):
    """The body of an answer; read to its end, its connection serves the next request."""

    def __init__(
        self,
        transport: LoopbackTransport,
        request: httpx.Request,
        connection: http.client.HTTPConnection,
        answer: http.client.HTTPResponse,
    ) -> None:
        self._transport, self._request = transport, request
        self._connection, self._answer = connection, answer

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors(self._request):
            if self._answer.length is not None:
                yield self._answer.read()
                return
            while chunk := self._answer.read1(CHUNK):
                yield chunk

    def close(self) -> None:
        """Give the connection back, or close it where the rest of the body is still to come."""
        is_whole = self._answer.isclosed() and not self._answer.will_close
        self._answer.close()
        if is_whole:
            self._transport.keep(self._connection)
        else:
            self._connection.close()


def _send(connection: http.client.HTTPConnection, request: httpx.Request, body: bytes) -> None:
    target = request.url.raw_path.decode("ascii")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        if name.lower() != b"transfer-encoding":  # the body is at hand, so its length is known
            connection.putheader(name.decode("latin-1"), value)
    if "transfer-encoding" in request.headers:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body or None)


@contextmanager
def _as_httpx_errors(request: httpx.Request, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        late = httpx.WriteTimeout if writing else httpx.ReadTimeout
        raise late("timed out", request=request) from error
    except http.client.RemoteDisconnected as error:
        message = "Server disconnected without sending a response."
        raise httpx.RemoteProtocolError(message, request=request) from error
    except http.client.IncompleteRead as error:
        length, more = len(error.partial), error.expected
        which = (
            f"received {length} bytes, expected {length + more}"
            if more
            else "incomplete chunked read"
        )
        message = f"peer closed connection without sending complete message body ({which})"
        raise httpx.RemoteProtocolError(message, request=request) from error
    except http.client.HTTPException as error:
        raise httpx.RemoteProtocolError(
            f"{type(error).__name__}: {error}", request=request
        ) from error
    except OSError as error:
        failed = httpx.WriteError if writing else httpx.ReadError
        raise failed(str(error), request=request) from error


def _is_readable(sock: Any) -> bool:
    if sock is None:
        return True
    poll = select.poll()  # select() takes no descriptor above 1023
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
