"""A collection of our own whose texts an embedder of ours made vectors of: for the drift canary."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import CollectionInfo
from chromadrill.workload.data.seeded_embedder import SeededEmbedder

TEXTS = tuple(f"text number {number}, embedded for the drift canary" for number in range(40))


@dataclass(frozen=True)
class EmbeddedTexts:
    """`function`: what `[embedding] function` calls the embedder."""

    chroma: Chroma
    info: CollectionInfo
    function = f"{SeededEmbedder.__module__}:{SeededEmbedder.__name__}"

    def embed(self, *, by_another_model: bool = False) -> None:
        """Write all texts with their vectors; those of another model have the same width."""
        embedder = SeededEmbedder(seed=8) if by_another_model else SeededEmbedder()
        ids = [f"t{number}" for number in range(len(TEXTS))]
        self.chroma.upsert(self.info, ids=ids, vectors=embedder.embed(TEXTS), documents=TEXTS)

    @property
    def regenerate(self) -> tuple[str, ...]:
        """The words of the command that embeds them anew."""
        return (
            "regenerate", "--source", "manual_content", "--from-documents", "--drop-old",
            "--collection-name", self.info.name, "--url", self.chroma.url,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """The settings that the command needs."""
        return {"DRILL_EMBEDDING__FUNCTION": self.function}
