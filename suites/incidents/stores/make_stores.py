"""The stores beside this file, made by the real releases: what `pytest -m incidents` unpacks.

Each was made once, in an environment of that release alone:

    uv run --no-project -p 3.11 --with chromadb==0.5.11 --with "numpy<2" \
        python make_stores.py purge-ate-the-tail FOLDER

and FOLDER/purge-ate-the-tail packed with `tar -cJf`. numpy below 2 is for releases before 1.0.
Nothing here is imported by a test.
"""

import sys
from pathlib import Path

import chromadb


def vectors(count, dimension, step=7):
    """Whole numbers that differ: they pack well."""
    return [
        [float((n * step + k * k) % 101) + n / 16 for k in range(dimension)] for n in range(count)
    ]


def purge_ate_the_tail(client):
    """0.5.11 (chroma 2922): the log is purged as far as the fuller index, for both collections."""
    settings = {"hnsw:batch_size": 10, "hnsw:sync_threshold": 100}
    for name, count in (("first", 220), ("second", 120)):
        collection = client.create_collection(name, metadata=settings)
        for start in range(0, count, 100):
            rows = range(start, min(start + 100, count))
            collection.add(
                ids=[f"{name}{n}" for n in rows],
                documents=[f"document {n} of {name}" for n in rows],
                embeddings=vectors(count, 3)[start : rows.stop],
                metadatas=[{"n": n} for n in rows],
            )


def elder(client):
    """0.4.24 (chroma 1130, 2837): sequence numbers are bytes, and the schema is of its time."""
    settings = {"hnsw:batch_size": 10, "hnsw:sync_threshold": 100}
    collection = client.create_collection("elder", metadata=settings)
    for start in range(0, 150, 50):
        rows = range(start, start + 50)
        collection.add(
            ids=[f"e{n}" for n in rows],
            documents=[f"an elder text {n}" for n in rows],
            embeddings=vectors(150, 4)[start : rows.stop],
            metadatas=[{"n": n} for n in rows],
        )


def over_two_releases(client):
    """0.6.3 on the store of 0.4.24 (chroma 4217): its rows keep their bytes, new ones have numbers."""
    collection = client.get_collection("elder")
    collection.query(query_embeddings=[[1, 2, 3, 4]], n_results=2)
    collection.add(ids=["new"], embeddings=[[1, 2, 3, 4]], documents=["written by 0.6.3"],
                   metadatas=[{"n": -1}])  # fmt: skip


def metric_lost(client):
    """0.6.3 (chroma 2515): modify(metadata=...) drops the metric from the listing."""
    collection = client.create_collection("moved", metadata={"hnsw:space": "cosine"})
    collection.add(
        ids=["a", "b", "c"],
        embeddings=[[1, 0, 0], [1, 1, 0], [0, 1, 5]],
        documents=["text one here", "text two here", "text three here"],
        metadatas=[{"n": n} for n in range(3)],
    )
    collection.modify(metadata={"owner": "choir"})


def one_nan_vector(client):
    """0.6.3 (chroma 7420): a client wrote a vector with a NaN in it; another collection is sound."""
    for name in ("sick", "well"):
        rows = vectors(20, 3)
        if name == "sick":
            rows[7][1] = float("nan")
        client.create_collection(name).add(
            ids=[f"r{n}" for n in range(20)],
            embeddings=rows,
            documents=[f"text {n} of {name}" for n in range(20)],
            metadatas=[{"n": n} for n in range(20)],
        )


def sparse_vector(client):
    """1.1.1 (chroma 5625): a sparse vector as a metadata value; the add raises, its log entry stays."""
    from chromadb.base_types import SparseVector

    rows = vectors(12, 3)
    client.create_collection("fine").add(
        ids=[f"f{n}" for n in range(12)],
        embeddings=rows,
        documents=[f"fine text {n}" for n in range(12)],
        metadatas=[{"n": n} for n in range(12)],
    )
    sparse = SparseVector(indices=[1, 5], values=[0.5, 0.25])
    try:
        client.create_collection("sparse").add(
            ids=["a", "b"],
            embeddings=rows[:2],
            documents=["sparse text one", "sparse text two"],
            metadatas=[{"sv": sparse, "n": 1}, {"n": 2}],
        )
    except Exception as error:  # it raises after the entry has been logged
        print(f"as reported: {error}")  # noqa: T201


def dropped_collections(client):
    """1.1.1 (chroma 4885, 5259, 5520): folders and rows of dropped collections stay."""
    for name in ("first", "second", "kept"):
        client.create_collection(
            name, configuration={"hnsw": {"sync_threshold": 20, "batch_size": 10}}
        ).add(
            ids=[f"{name}{n}" for n in range(25)],
            embeddings=vectors(25, 3),
            documents=[f"text {n} of {name}" for n in range(25)],
            metadatas=[{"n": n} for n in range(25)],
        )
    client.delete_collection("first")
    client.delete_collection("second")


STORES = {
    "purge-ate-the-tail": purge_ate_the_tail,
    "elder": elder,
    "over-two-releases": over_two_releases,  # in a FOLDER that holds `elder` under this name
    "metric-lost": metric_lost,
    "one-nan-vector": one_nan_vector,
    "dropped-collections": dropped_collections,
    "sparse-vector": sparse_vector,
}

if __name__ == "__main__":
    name, folder = sys.argv[1:]
    STORES[name](
        chromadb.PersistentClient(
            path=str(Path(folder) / name), settings=chromadb.Settings(anonymized_telemetry=False)
        )
    )
