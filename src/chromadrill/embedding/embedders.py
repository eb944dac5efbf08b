"""The embedder that `[embedding] function` names: the one door to all of them."""

from __future__ import annotations

from pathlib import Path

from chromadrill.core import cli
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import CollectionInfo
from chromadrill.core.protocols import Model
from chromadrill.core.settings import Embedding
from chromadrill.embedding import collection_function, minilm, own_function, sentence_transformer
from chromadrill.embedding.function_model import Way
from chromadrill.embedding.retries import RetryPlan
from chromadrill.embedding.weights import NAME

# a TEI server takes 32 texts at once, unless it is told otherwise; two of them are ours
LOCAL_BATCH, SERVICE_BATCH = 8, 30


def load(embedding: Embedding, collection: CollectionInfo | None = None) -> Model:
    """The model of `[embedding]`. Raises Unavailable where it cannot be had.

    `collection`: whose vectors are meant; `function = "collection"` takes what it names.
    """
    function = embedding.function
    if ":" in function:
        return own_function.load(function, _way(embedding))
    if "/" in function:
        return _by_torch(function, embedding)
    if function == "collection":
        if collection is None:
            raise Unavailable(
                f"{collection_function.SETTING}: there is no collection that could name one.",
                next_step="A fingerprint of it names one as well: --fingerprint FILE. "
                + collection_function.OWN,
            )
        if not collection_function.is_minilm(collection):
            return collection_function.load(collection, _way(embedding))
    if embedding.device != "cpu":  # onnxruntime's plain package knows no other
        return _by_torch(NAME, embedding)
    return minilm.load(
        _directory(embedding),
        threads=embedding.threads,
        workers=embedding.workers,
        batch_size=embedding.batch_size or LOCAL_BATCH,
        offline=embedding.offline,
    )


def _by_torch(name: str, embedding: Embedding) -> Model:
    return sentence_transformer.load(
        name,
        _directory(embedding),
        threads=embedding.threads,
        workers=embedding.workers,
        batch_size=embedding.batch_size or LOCAL_BATCH,
        device=embedding.device,
        offline=embedding.offline,
    )


def _directory(embedding: Embedding) -> Path | None:
    return Path(embedding.directory) if embedding.directory else None


def documents_at_once(embedding: Embedding, collection: CollectionInfo | None = None) -> int:
    """How many documents are embedded and written together: a batch for each that works."""
    return _batch_size(embedding, collection) * embedding.workers


def _batch_size(embedding: Embedding, collection: CollectionInfo | None) -> int:
    if embedding.batch_size is not None:
        return embedding.batch_size
    names_service = embedding.function == "collection" and not (
        collection is not None and collection_function.is_minilm(collection)
    )
    return SERVICE_BATCH if names_service or ":" in embedding.function else LOCAL_BATCH


def _way(embedding: Embedding) -> Way:
    return Way(
        batch_size=embedding.batch_size or SERVICE_BATCH,
        workers=embedding.workers,
        timeout_s=embedding.timeout_s,
        retry=RetryPlan(embedding.retries, embedding.retry_wait_s),
        requests_per_minute=embedding.requests_per_minute,
        documents_per_minute=embedding.documents_per_minute,
        least_cosine=embedding.least_cosine,
        say=cli.say,
    )
