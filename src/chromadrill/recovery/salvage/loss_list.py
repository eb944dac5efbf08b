"""The list of what is lost: a JSON object a line, without any text of a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON


class LossList:
    """Losses in `path`, which is made with the first one; None: nowhere."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> LossList:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def written(self) -> Path | None:
        """The file, None where nothing was lost."""
        return self._path if self._file is not None else None

    def note(self, loss: JSON) -> None:
        """Append a loss. Raises Unavailable where the file cannot be made."""
        if self._path is None:
            return
        if self._file is None:
            try:
                self._file = self._path.open("w", encoding="utf-8")
            except OSError as error:
                raise Unavailable(f"{self._path}: {error.strerror}.") from error
        self._file.write(json.dumps(loss, ensure_ascii=False) + "\n")
