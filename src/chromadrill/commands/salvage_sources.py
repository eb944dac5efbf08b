"""Where `chromadrill salvage` takes vectors from that the store has lost: what was typed, opened."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from chromadrill.core import cli, settings
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.embedding import embedders
from chromadrill.embedding.bill import Bill
from chromadrill.recovery.substitutes.vector_substitutes import Sources
from chromadrill.recovery.vectors_from.open_lenders import open_lenders


def sources(texts: Sequence[str], config: Path | None, *, embed: bool, yes: bool) -> Sources:
    """Lenders by their paths, and the embedder of `[embedding]`; nothing is loaded or opened yet."""
    embedding = settings.load(config).embedding
    return Sources(
        open_lenders=lambda info: open_lenders(None, texts, info.scope, info.name),
        load_model=lambda info: embedders.load(embedding, info),
        agree=lambda bill: _agree(bill, embedding.ask_above_tokens, yes=yes),
        is_embedding=embed,
        least_cosine=embedding.least_cosine,
        batch_size=embedders.documents_at_once(embedding),
    )


def _agree(bill: Bill, ask_above_tokens: int, *, yes: bool) -> None:
    """Say the bill; ask where it is above the limit. Raises UsageError where nobody can be asked."""
    cli.say(bill.sentence())
    if yes or not bill.is_metered or bill.tokens <= ask_above_tokens:
        return
    limit = f"[embedding] ask_above_tokens = {ask_above_tokens:,}"
    if not sys.stdin.isatty():
        raise UsageError(
            f"{bill.tokens:,} tokens are above {limit}, and there is no terminal to ask at."
            " Nothing was embedded.",
            next_step="The same command with --yes embeds them.",
        )
    if not typer.confirm(f"That is above {limit}. Embed?", err=True):
        raise Unavailable("Not embedded. Nothing was written.")
