"""What an answer is worth: right, wrong or error. A fast wrong answer is no latency."""

from __future__ import annotations

import orjson

from chromadrill.core.redaction import mask_secrets
from chromadrill.workload.load.requests import LoadRequest
from chromadrill.workload.queries.known_answer import MALFORMED, mismatch


def grade(request: LoadRequest, status: int, content: bytes) -> tuple[str, str]:
    """(outcome, what is wrong). Status 0 is a connection that failed.

    Any status but 2xx is an error, 404 too: a client that has the old id of a restored collection
    gets nothing. Secrets are masked: a gateway may quote them in its answer.
    """
    if not 200 <= status < 300:
        reason = f"HTTP {status}" if status else "no answer"
        text = mask_secrets(content[:5000].decode(errors="replace"))[:200]
        return "error", f"{request.kind}: {reason}: {text}"
    if request.kind == "upsert":
        return "right", ""
    try:
        ids, documents = _columns(request.kind, content)
        wrong = mismatch(request.record, request.document, ids, documents)
    except MALFORMED as error:
        return "error", f"{request.kind}: strange answer: {error!r}"
    if not wrong and len(ids) < request.min_records:
        wrong = f"{len(ids)} records answered, there are at least {request.min_records}"
    return ("wrong", f"{request.kind}: {wrong}") if wrong else ("right", "")


def _columns(kind: str, content: bytes) -> tuple[list[str], list[str | None]]:
    raw = orjson.loads(content)
    if kind == "search":
        return raw["ids"][0], raw["documents"][0]
    return raw["ids"], raw["documents"]
