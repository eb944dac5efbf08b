"""The errors of a call to a Chroma server."""

from __future__ import annotations

from chromadrill.chroma import access_errors
from chromadrill.core.errors import DrillError

TOO_LARGE = 413


class CallFailed(DrillError):
    """A call that did not succeed. `status` is the HTTP status, 0 where nothing answered.

    `is_access`: it says nothing of the data, since something in front of them did not let it through.
    """

    def __init__(self, call: str, status: int, message: str, *, is_access: bool = False) -> None:
        self.call, self.status, self.message, self.is_access = call, status, message, is_access
        sentence, next_step = f"{call}: {status or 'no answer'}: {message}", ""
        # another error's message, passed on under status 0, has its next step in it
        if is_access and (status or message.startswith(access_errors.OWN)):
            sentence = f"{sentence.rstrip('.')}."
            next_step = access_errors.next_step(status, message)
        super().__init__(sentence, next_step=next_step)

    @property
    def is_missing(self) -> bool:
        """Whether Chroma itself said that there is no such thing."""
        return self.status == 404 and not self.is_access

    @property
    def is_timeout(self) -> bool:
        """Whether the call ended at its deadline."""
        return self.status == 0 and self.message.startswith("no answer within")

    @property
    def is_dropped(self) -> bool:
        """Whether something in front of the server closed the connection over the call."""
        return self.status == 0 and self.is_access

    @property
    def is_too_large(self) -> bool:
        """Whether the request was larger than the server, or a gateway before it, takes."""
        return self.status == TOO_LARGE


class RowTooLarge(CallFailed):
    """A request of one row that is larger than the server takes: no smaller one can be sent.

    `row` names it in words. `request_bytes` is its size, `taken_bytes` the largest request that went
    through before.
    """

    def __init__(self, error: CallFailed, row: str, request_bytes: int, taken_bytes: int) -> None:
        self.row, self.request_bytes, self.taken_bytes = row, request_bytes, taken_bytes
        super().__init__(
            error.call,
            error.status,
            f"{row} alone is a request of {request_bytes:,} bytes, and that is refused as too large"
            f" (largest that went through: {taken_bytes:,} bytes): {error.message}",
            is_access=error.is_access,
        )


LARGER = (
    "Raise the limit: client_max_body_size of nginx, max_payload_size_bytes in Chroma's"
    " configuration file. Or name a server without that limit."
)
_CREDENTIALS = (
    "Give the credentials in [targets.NAME] headers of drill.toml; the same command alone does not"
    " help."
)
_NOT_AGAIN = "Correct what is named here first: the same command alone is refused again."


def next_step_after(error: CallFailed, again: str) -> str:
    """Return what helps after `error`: `again`, what the same command does, only where that can help."""
    if error.is_too_large:
        return LARGER
    if error.status in (401, 403, 407):
        return _CREDENTIALS
    if error.is_missing:
        return f"Something else removed it meanwhile: let one command run at a time. {again}"
    if 400 <= error.status < 500 and error.status not in (408, 409, 423, 425, 429):
        return _NOT_AGAIN
    return again
