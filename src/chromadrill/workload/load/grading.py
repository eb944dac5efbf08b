"""What an answer is worth: right, wrong or error. A fast wrong answer is no latency."""

from __future__ import annotations

import orjson

from chromadrill.workload.load.requests import Operation
from chromadrill.workload.queries.known_answer import MALFORMED, mismatch


def judged(operation: Operation, status: int, content: bytes) -> tuple[str, str]:
    """(outcome, what is wrong). Status 0 is a connection that failed; any status but 2xx is an
    error, 404 too: a client that has the old id of a restored collection gets nothing."""
    if not 200 <= status < 300:
        said = content[:200].decode(errors="replace")
        return "error", f"{operation.kind}: {f'HTTP {status}' if status else 'no answer'}: {said}"
    if operation.kind == "upsert":
        return "right", ""
    try:
        ids, documents = _columns(operation.kind, content)
        wrong = mismatch(operation.record, operation.document, ids, documents)
    except MALFORMED as error:
        return "error", f"{operation.kind}: strange answer: {error!r}"
    if not wrong and len(ids) < operation.least:
        wrong = f"{len(ids)} records answered, there are at least {operation.least}"
    return ("wrong", f"{operation.kind}: {wrong}") if wrong else ("right", "")


def _columns(kind: str, content: bytes) -> tuple[list[str], list[str | None]]:
    raw = orjson.loads(content)
    if kind == "search":
        return raw["ids"][0], raw["documents"][0]
    return raw["ids"], raw["documents"]
