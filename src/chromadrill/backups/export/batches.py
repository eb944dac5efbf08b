"""Batches of records, each small enough for a request that the server takes."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from chromadrill.core.model import Page

BATCH = 1000  # records in one request
BATCH_BYTES = 16 << 20  # or this much of text: the server takes 40 MiB


def batches(pages: Iterator[Page]) -> Iterator[Page]:
    """Yield the same records in pages whose text fits a request."""
    for page in pages:
        start = size = 0
        for row in range(len(page.ids)):
            more = len(page.documents[row] or "") * 2 + len(str(page.metadatas[row] or "")) * 2
            if size and size + more > BATCH_BYTES:
                yield part(page, start, row)
                start, size = row, 0
            size += more
        yield page if start == 0 else part(page, start, len(page.ids))


def part(page: Page, start: int, stop: int) -> Page:
    """Return the rows `start` to `stop` of a page."""
    return Page(
        page.ids[start:stop],
        page.documents[start:stop],
        page.metadatas[start:stop],
        page.uris[start:stop],
        page.vectors[start:stop],
        tuple(row - start for row in page.without_vector if start <= row < stop),
    )


def base64_rows(page: Page) -> list[str]:
    """Return each vector as base64 of little-endian float32: half the bytes of numbers, bit for bit."""
    rows = page.vectors.astype("<f4", copy=False)
    return [base64.b64encode(row.tobytes()).decode("ascii") for row in rows]
