"""The embedder that `[embedding] function` names: the one door to all of them."""

from __future__ import annotations

from pathlib import Path

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import CollectionInfo
from chromadrill.core.protocols import Model
from chromadrill.core.settings import Embedding
from chromadrill.embedding import minilm, sentence_transformer
from chromadrill.embedding.weights import NAME


def load(embedding: Embedding, collection: CollectionInfo | None = None) -> Model:
    """The model of `[embedding]`. Raises Unavailable where it cannot be had.

    `collection`: whose vectors are meant; `function = "collection"` takes what it names.
    """
    if embedding.function != "minilm":
        raise Unavailable(f"[embedding] function = {embedding.function!r} cannot be had yet.")
    directory = Path(embedding.directory) if embedding.directory else None
    if embedding.device != "cpu":  # onnxruntime's plain package knows no other
        return sentence_transformer.load(
            NAME,
            directory,
            threads=embedding.threads,
            workers=embedding.workers,
            batch_size=embedding.batch_size,
            device=embedding.device,
            offline=embedding.offline,
        )
    return minilm.load(
        directory,
        threads=embedding.threads,
        workers=embedding.workers,
        batch_size=embedding.batch_size,
        offline=embedding.offline,
    )
