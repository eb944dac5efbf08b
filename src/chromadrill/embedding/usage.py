"""What was asked of an embedder so far: the measure of what the rest will cost."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

CHARACTERS_PER_TOKEN = 4  # of English prose; code and other scripts have more tokens


@dataclass(slots=True)
class Usage:
    """Counted by all threads of a process.

    `documents` and `characters` are the user's own; texts of ours that look after the service are in
    `tokens` alone, as the service counts them (None: it does not).
    """

    requests: int = 0
    retries: int = 0
    documents: int = 0
    characters: int = 0
    tokens: int | None = None
    endpoint: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count_documents(self, documents: int, characters: int) -> None:
        with self._lock:
            self.documents += documents
            self.characters += characters

    def count_request(self, tokens: int | None, endpoint: str) -> None:
        with self._lock:
            self.requests += 1
            self.endpoint = endpoint or self.endpoint
            if tokens is not None:
                self.tokens = (self.tokens or 0) + tokens

    def count_retry(self) -> None:
        with self._lock:
            self.retries += 1

    def tokens_of(self, characters: int) -> int:
        """Of so many characters: as the service counted those so far, else estimated."""
        if self.tokens and self.characters:
            return round(characters * self.tokens / self.characters)
        return round(characters / CHARACTERS_PER_TOKEN)
