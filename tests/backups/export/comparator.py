"""Two servers compared over plain HTTP, by nothing of the engine: the judge of a round trip."""

import httpx
import numpy as np

EVERYTHING = ["documents", "metadatas", "uris", "embeddings"]


def collections(url, tenant, database):
    path = f"{url}/api/v2/tenants/{tenant.replace('/', '%2F')}/databases/{database}/collections"
    return {each["name"]: (path, each) for each in httpx.get(path).raise_for_status().json()}


def records(path, collection):
    found, offset = {}, 0
    while True:
        body = {"include": EVERYTHING, "limit": 700, "offset": offset}
        answer = httpx.post(f"{path}/{collection['id']}/get", json=body, timeout=60)
        page = answer.raise_for_status().json()
        for row, record in enumerate(page["ids"]):
            metadata = page["metadatas"][row] or {}
            found[record] = (
                page["documents"][row],
                {key: (type(value).__name__, repr(value)) for key, value in metadata.items()},
                page["uris"][row],
                np.array(page["embeddings"][row], np.float32),
            )
        offset += len(page["ids"])
        if not page["ids"]:
            return found


def differences(one_url, other_url, scopes, *, legacy=()):
    """Sentences; empty where both hold the same. Cosine vectors may differ by 2e-6 of a length."""
    found = []
    for tenant, database in scopes:
        here, there = (collections(url, tenant, database) for url in (one_url, other_url))
        if here.keys() != there.keys():
            found.append(f"collections {sorted(here)} and {sorted(there)}")
        for name in here.keys() & there.keys():
            (path, one), (other_path, other) = here[name], there[name]
            listed = () if name in legacy else ("configuration_json", "schema")
            for field in ("metadata", "dimension", *listed):
                if repr(one[field]) != repr(other[field]) and one[field] != other[field]:
                    found.append(f"{name}: {field} {one[field]} and {other[field]}")
            cosine = name in legacy or one["configuration_json"]["hnsw"]["space"] == "cosine"
            was, now = records(path, one), records(other_path, other)
            if was.keys() != now.keys():
                found.append(f"{name}: ids {was.keys() ^ now.keys()}")
            for record in was.keys() & now.keys():
                if was[record][:3] != now[record][:3]:
                    found.append(f"{name} {record!r}: {was[record][:3]} and {now[record][:3]}")
                a, b = was[record][3], now[record][3]
                same = a.tobytes() == b.tobytes()
                if not same and not (cosine and np.allclose(a, b, 0, 2e-6 * np.linalg.norm(a))):
                    found.append(f"{name} {record!r}: vectors differ")
    return found
