"""python -m benchmarks.bare_pager URL TENANT/DATABASE NAME: what reading every record costs for nothing.

Two pages are in flight, orjson parses them, their vectors become float32: nothing else.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import numpy as np
import orjson

PAGE = 2000
COLUMNS = ("documents", "metadatas", "uris", "embeddings")


def read_all(url: str, scope: str, name: str) -> int:
    """Read the collection; return how many records it has."""
    tenant, _, database = scope.rpartition("/")
    base = f"{url}/api/v2/tenants/{tenant}/databases/{database}/collections"
    with httpx.Client(timeout=120) as http, ThreadPoolExecutor(max_workers=2) as pool:
        id_ = orjson.loads(http.get(f"{base}/{name}").content)["id"]

        def page(offset: int) -> int:
            body = {"include": COLUMNS, "limit": PAGE, "offset": offset}
            answer = orjson.loads(http.post(f"{base}/{id_}/get", json=body).content)
            return len(np.asarray(answer["embeddings"], np.float32))

        offsets, total = count(0, PAGE), 0
        flights = [pool.submit(page, next(offsets)) for _ in range(2)]
        while True:
            records = flights.pop(0).result()
            total += records
            if records < PAGE:
                return total
            flights.append(pool.submit(page, next(offsets)))


if __name__ == "__main__":
    sys.stdout.write(f"{read_all(*sys.argv[1:])}\n")
