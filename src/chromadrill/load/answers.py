"""What an answer is worth: right, wrong or error. A fast wrong answer is no latency."""

from __future__ import annotations

import orjson

from chromadrill.load.operations import Operation


def judged(operation: Operation, status: int, content: bytes) -> tuple[str, str]:
    """(outcome, what is wrong). Status 0 is a connection that failed; any status but 2xx is an
    error, 404 too: collections are looked up before the run."""
    if not 200 <= status < 300:
        said = content[:200].decode(errors="replace")
        return "error", f"{operation.kind}: {f'HTTP {status}' if status else 'no answer'}: {said}"
    if operation.kind == "upsert":
        return "right", ""
    try:
        ids, documents = _columns(operation.kind, content)
        found = dict(zip(ids, documents, strict=True))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return "error", f"{operation.kind}: strange answer: {error!r}"
    if operation.record not in found:
        return "wrong", (
            f"{operation.kind}: {operation.record} is not among the {len(found)} records answered"
        )
    if found[operation.record] != operation.document:
        return "wrong", f"{operation.kind}: {operation.record} has other words"
    return "right", ""


def _columns(kind: str, content: bytes) -> tuple[list[str], list[str | None]]:
    raw = orjson.loads(content)
    if kind == "search":
        return raw["ids"][0], raw["documents"][0]
    return raw["ids"], raw["documents"]
