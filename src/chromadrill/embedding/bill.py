"""What embedding will cost, said before it starts: documents, tokens, minutes."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.model import JSON
from chromadrill.core.protocols import Model
from chromadrill.embedding.function_model import FunctionModel
from chromadrill.embedding.usage import Usage


@dataclass(frozen=True, slots=True)
class Bill:
    """For all documents that are to be embedded.

    `tokens`: as the service counted those of the first documents, else a quarter of the characters.
    `seconds`: at the rate of the `measured` first documents, and never faster than the limits allow;
    None where none were measured. `is_metered`: a service or a function of the user's, which may cost
    money.
    """

    model: str
    endpoint: str
    documents: int
    characters: int
    tokens: int
    is_metered: bool
    measured: int = 0
    seconds: float | None = None

    def sentence(self) -> str:
        at = f" at {self.endpoint}" if self.endpoint else ""
        noun = "document" if self.documents == 1 else "documents"
        text = f"To embed by {self.model}{at}: {self.documents:,} {noun}, {self.characters:,} characters"
        if self.is_metered:
            text += f", about {self.tokens:,} tokens"
        if self.seconds is None:
            return f"{text}."
        rate = self.documents / self.seconds if self.seconds else 0.0
        return (
            f"{text}; about {_duration(self.seconds)} at {rate:,.1f} documents a second"
            f" (measured on {self.measured})."
        )

    def to_json(self) -> JSON:
        return {
            "model": self.model,
            "endpoint": self.endpoint or None,
            "documents": self.documents,
            "characters": self.characters,
            "tokens": self.tokens,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
        }


def bill_of(
    model: Model,
    documents: int,
    characters: int,
    *,
    measured: int = 0,
    took_s: float = 0.0,
    processes: int = 1,
) -> Bill:
    """The bill of so many documents, after one process took `took_s` seconds for `measured` of them."""
    is_metered = isinstance(model, FunctionModel)
    usage, least_s = Usage(), 0.0
    if isinstance(model, FunctionModel):
        usage, least_s = model.usage, model.least_seconds(documents)
    return Bill(
        model=model.name,
        endpoint=usage.endpoint,
        documents=documents,
        characters=characters,
        tokens=usage.tokens_of(characters),
        is_metered=is_metered,
        measured=measured,
        seconds=max(least_s, took_s * documents / measured / processes) if measured else None,
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes" if seconds >= 90 else f"{seconds:,.0f} seconds"
