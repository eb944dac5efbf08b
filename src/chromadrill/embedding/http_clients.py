"""The HTTP clients inside an embedding function: their timeouts, and what their services answered.

Functions of libraries differ in what they make of a status: some of chromadb's read the JSON of a 429
as if it were vectors. What the service itself said is noted here, whatever the library makes of it.
"""

from __future__ import annotations

import contextlib
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import orjson

from chromadrill.core.redaction import mask_output

DEEPEST, MOST_OBJECTS = 6, 500  # a client of cohere lies five attributes below the function
LONGEST_MESSAGE = 300


@dataclass(slots=True)
class Exchange:
    """What the service answered last, during one call of an embedding function.

    `status` 0: there was no answer. `order`: the indices of the vectors in the order in which they
    came, where the service names them. `tokens`: as the service counted them.
    """

    status: int = 0
    retry_after: str = ""
    message: str = ""
    endpoint: str = ""
    order: tuple[int, ...] | None = None
    tokens: int | None = None

    @property
    def failed(self) -> bool:
        return self.status >= 400


_current = threading.local()


@contextlib.contextmanager
def record_exchange() -> Iterator[Exchange]:
    """What the clients that are watched are answered in this thread."""
    exchange = Exchange()
    _current.exchange = exchange
    try:
        yield exchange
    finally:
        del _current.exchange


def watch(function: object, timeout_s: float) -> int:
    """Give every HTTP client within `function` the timeout, and note its answers. How many there are.

    A client's own retries are switched off: ours honour what the service asks for, and are counted.
    """
    clients = 0
    for thing in _objects(function):
        kind = type(thing)
        if type(getattr(thing, "max_retries", None)) is int:  # of openai and its like
            with contextlib.suppress(AttributeError):
                thing.max_retries = 0
                thing.timeout = timeout_s
        if "Async" in kind.__name__:
            continue
        if hasattr(kind, "event_hooks") and hasattr(kind, "timeout"):  # httpx
            thing.timeout = timeout_s
            hooks = thing.event_hooks
            hooks["response"] = [*hooks.get("response", ()), _note]
            thing.event_hooks = hooks
            clients += 1
        elif isinstance(hooks := getattr(thing, "hooks", None), dict) and hasattr(kind, "mount"):
            hooks.setdefault("response", []).append(_note)  # requests
            clients += 1
    return clients


def _objects(root: object) -> Iterator[Any]:
    """`root` and what hangs on its attributes, each once. Code and plain values are no clients."""
    visited: set[int] = set()
    level = [root, *_names_of(root)]
    for _ in range(DEEPEST):
        below: list[object] = []
        for thing in level:
            if id(thing) in visited or len(visited) >= MOST_OBJECTS:
                continue
            visited.add(id(thing))
            yield thing
            below += [
                value
                for value in getattr(thing, "__dict__", {}).values()
                if _may_hold_client(value)
            ]
        level = below


def _names_of(function: object) -> list[object]:
    """What a function reaches by name: the owner of a method, clients of its module, its closure."""
    owner = getattr(function, "__self__", None)
    plain = getattr(function, "__func__", function)
    code, names = getattr(plain, "__code__", None), getattr(plain, "__globals__", {})
    things = [owner, *(names.get(name) for name in getattr(code, "co_names", ()))]
    for cell in getattr(plain, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # an empty one
            things.append(cell.cell_contents)
    return [thing for thing in things if thing is not None and _may_hold_client(thing)]


def _may_hold_client(value: object) -> bool:
    is_plain = isinstance(value, str | bytes | int | float | type | ModuleType)
    return not is_plain and hasattr(value, "__dict__")


def _note(response: Any, *_: object, **__: object) -> None:
    """A hook of httpx and requests: the answer is noted, and goes on unchanged."""
    exchange: Exchange | None = getattr(_current, "exchange", None)
    if exchange is None:
        return
    exchange.status = int(response.status_code)
    exchange.retry_after = str(response.headers.get("retry-after", ""))
    exchange.endpoint = endpoint_of(str(response.url))
    exchange.order = exchange.tokens = None
    if callable(read := getattr(response, "read", None)):  # httpx has not read the body yet
        read()
    body = bytes(response.content)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = body.decode("utf-8", "replace")
    if exchange.failed:
        exchange.message = _message(content)
    elif isinstance(content, dict):
        exchange.order, exchange.tokens = _order(content), _tokens(content)


def endpoint_of(url: str) -> str:
    """Scheme, host and port: a path or a query may hold a key."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if host else ""


def _message(content: object) -> str:
    """What went wrong, in the words of the service: {"error": ...} in one of its many forms."""
    for _ in range(3):
        if not isinstance(content, dict):
            break
        parts = [content.get(key) for key in ("error", "message", "detail", "code")]
        content = next((part for part in parts if part), "")
    text = content if isinstance(content, str) else str(content)
    return one_line(text)


def one_line(text: str) -> str:
    """One line of somebody else's words, without secrets. Masked first: half a key is no key."""
    return mask_output(" ".join(text.split()))[:LONGEST_MESSAGE].rstrip(".")


def _order(content: dict[str, Any]) -> tuple[int, ...] | None:
    data = content.get("data")
    if not isinstance(data, list):
        return None
    indices = [entry.get("index") if isinstance(entry, dict) else None for entry in data]
    numbers = tuple(index for index in indices if type(index) is int)
    return numbers if len(numbers) == len(indices) else None


def _tokens(content: dict[str, Any]) -> int | None:
    usage = content.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    tokens = counts.get("total_tokens", counts.get("prompt_tokens"))
    return tokens if type(tokens) is int else None
