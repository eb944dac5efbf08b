"""The embedder that `[embedding]` names."""

from __future__ import annotations

from pathlib import Path

from chromadrill.core.protocols import Model
from chromadrill.core.settings import Embedding
from chromadrill.embedding import minilm


def load(embedding: Embedding) -> Model:
    """The model of `[embedding]`. Raises Unavailable where it cannot be had."""
    return minilm.load(
        Path(embedding.directory) if embedding.directory else None,
        threads=embedding.threads,
        workers=embedding.workers,
        batch_size=embedding.batch_size,
        device=embedding.device,
        offline=embedding.offline,
    )
