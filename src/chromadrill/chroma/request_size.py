"""Does a server take a request of some size? Asked before anything is written, and without writing."""

from __future__ import annotations

from chromadrill.chroma.call_failed import LARGER, CallFailed
from chromadrill.chroma.client import Chroma, scope_path
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope

SMALL_BYTES = 1 << 10  # nothing refuses so little: it is not asked about
NO_COLLECTION = "00000000-0000-0000-0000-000000000000"
_FRAME = len('{"ids":[""]}')


def require_request_taken(chroma: Chroma, request_bytes: int, what: str) -> None:
    """Raise Unavailable where the server, or a gateway before it, refuses a request of that size.

    A collection that there is not is asked for a record with an id as long: Chroma and every gateway
    look at the size first (measured). An answer other than 413 says nothing. `what` is so large, in
    words.
    """
    if request_bytes < SMALL_BYTES:
        return
    path = f"{scope_path(Scope())}/collections/{NO_COLLECTION}/get"
    try:
        chroma.call("POST", path, {"ids": ["x" * (request_bytes - _FRAME)]})
    except CallFailed as error:
        if error.is_too_large:
            raise Unavailable(
                f"{chroma.url} takes no request of {request_bytes:,} bytes, and {what} is one"
                f" ({error.message}). Nothing was written.",
                next_step=LARGER,
            ) from error
