"""Two servers compared over plain HTTP, by nothing of the engine: the judge of a round trip."""

import httpx
import numpy as np

EVERYTHING = ["documents", "metadatas", "uris", "embeddings"]
# `httpx.get` reads all certificates of the machine for each request
HTTP = httpx.Client(verify=False, timeout=60, trust_env=False)  # noqa: S501 (nothing is https)


def collections(url, tenant, database):
    path = f"{url}/api/v2/tenants/{tenant.replace('/', '%2F')}/databases/{database}/collections"
    """Name -> (path of all collections, the collection as it is listed)."""
    return {row["name"]: (path, row) for row in HTTP.get(path).raise_for_status().json()}


def records(path, collection):
    """Id -> (document, metadata with its types, uri, vector)."""
    by_id, offset = {}, 0
    while True:
        body = {"include": EVERYTHING, "limit": 700, "offset": offset}
        answer = HTTP.post(f"{path}/{collection['id']}/get", json=body)
        page = answer.raise_for_status().json()
        for row, record in enumerate(page["ids"]):
            metadata = page["metadatas"][row] or {}
            by_id[record] = (
                page["documents"][row],
                {key: (type(value).__name__, repr(value)) for key, value in metadata.items()},
                page["uris"][row],
                np.array(page["embeddings"][row], np.float32),
            )
        offset += len(page["ids"])
        if not page["ids"]:
            return by_id


def differences(one_url, other_url, scopes, *, legacy=()):
    """Sentences; empty where both hold the same. Cosine vectors may differ by 2e-6 of a length."""
    problems = []
    for tenant, database in scopes:
        ours, theirs = (collections(url, tenant, database) for url in (one_url, other_url))
        if ours.keys() != theirs.keys():
            problems.append(f"collections {sorted(ours)} and {sorted(theirs)}")
        for name in ours.keys() & theirs.keys():
            (path, one), (other_path, other) = ours[name], theirs[name]
            more = () if name in legacy else ("configuration_json", "schema")
            for field in ("metadata", "dimension", *more):
                if repr(one[field]) != repr(other[field]) and one[field] != other[field]:
                    problems.append(f"{name}: {field} {one[field]} and {other[field]}")
            cosine = name in legacy or one["configuration_json"]["hnsw"]["space"] == "cosine"
            was, now = records(path, one), records(other_path, other)
            if was.keys() != now.keys():
                problems.append(f"{name}: ids {was.keys() ^ now.keys()}")
            for record in was.keys() & now.keys():
                if was[record][:3] != now[record][:3]:
                    problems.append(f"{name} {record!r}: {was[record][:3]} and {now[record][:3]}")
                a, b = was[record][3], now[record][3]
                same = a.tobytes() == b.tobytes()
                if not same and not (cosine and np.allclose(a, b, 0, 2e-6 * np.linalg.norm(a))):
                    problems.append(f"{name} {record!r}: vectors differ")
    return problems
