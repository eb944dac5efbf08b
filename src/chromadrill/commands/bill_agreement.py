"""Does the user agree to what embedding will cost?"""

from __future__ import annotations

import sys

import typer

from chromadrill.core import cli
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.embedding.bill import Bill


def agree(bill: Bill, ask_above_tokens: int, *, yes: bool, kept_in: str = "") -> None:
    """Say the bill; ask where it is above the limit.

    `kept_in` is the collection that keeps what was embedded before, for another run to go on with.
    Raises UsageError where nobody can be asked, Unavailable where the answer is no.
    """
    cli.say(bill.sentence())
    if yes or not bill.is_metered or bill.tokens <= ask_above_tokens:
        return
    limit = f"[embedding] ask_above_tokens = {ask_above_tokens:,}"
    so_far = f"What is embedded so far is kept in {kept_in}." if kept_in else ""
    if not sys.stdin.isatty():
        raise UsageError(
            f"{bill.tokens:,} tokens are above {limit}, and there is no terminal to ask at."
            f" {so_far or 'Nothing was embedded.'}",
            next_step=f"The same command with --yes embeds {'the rest' if kept_in else 'them'}.",
        )
    if not typer.confirm(f"That is above {limit}. Embed?", err=True):
        raise Unavailable(
            f"Not embedded. {so_far or 'Nothing was written.'}",
            next_step="The same command goes on from there." if kept_in else "",
        )
