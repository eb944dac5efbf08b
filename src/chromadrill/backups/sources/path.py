"""One backup that was named by its path: a source of that backup alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chromadrill.core.clock import utc_now
from chromadrill.core.model import Artefact


@dataclass(frozen=True, slots=True)
class PathSource:
    """The backup at `path`, whatever it is: `detect.open_existing` says. It is read where it lies."""

    path: Path
    name: str = ""

    @property
    def where(self) -> str:
        return str(self.path)

    def artefacts(self) -> list[Artefact]:
        """The one; its size and age are not looked for."""
        return [Artefact(self.path.resolve().name, utc_now(), None, "path")]

    def size_of(self, artefact: Artefact) -> int | None:
        """Nothing: it is here."""
        del artefact
        return 0

    def fetch(self, artefact: Artefact, into: Path) -> Path:
        """Where it lies."""
        del artefact, into
        return self.path
