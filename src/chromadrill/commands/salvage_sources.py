"""Where `chromadrill salvage` takes vectors from that the store has lost: what was typed, opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chromadrill.commands.bill_agreement import agree
from chromadrill.core import settings
from chromadrill.embedding import embedders
from chromadrill.recovery.substitutes.vector_substitutes import Sources
from chromadrill.recovery.vectors_from.open_lenders import open_lenders


def sources(texts: Sequence[str], config: Path | None, *, embed: bool, yes: bool) -> Sources:
    """Lenders by their paths, and the embedder of `[embedding]`; nothing is loaded or opened yet."""
    embedding = settings.load(config).embedding
    return Sources(
        open_lenders=lambda info: open_lenders(None, texts, info.scope, info.name),
        load_model=lambda info: embedders.load(embedding, info),
        agree=lambda bill: agree(bill, embedding.ask_above_tokens, yes=yes),
        is_embedding=embed,
        least_cosine=embedding.least_cosine,
        batch_size=embedders.documents_at_once(embedding),
    )
