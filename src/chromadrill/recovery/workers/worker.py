"""A worker: loads the model, reads the documents of a task, embeds them. Runs in another process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.model import JSON
from chromadrill.core.protocols import Model
from chromadrill.embedding.function_model import PartlyEmbedded
from chromadrill.embedding.identity import identity
from chromadrill.recovery.sources.key_ranges import RangeReader
from chromadrill.recovery.sources.rows import KeyRange
from chromadrill.recovery.workers.tasks import (
    Task,
    TaskResult,
    WorkerFailure,
    WorkerSetup,
    document_digest,
)


class CannotRead(Exception):
    """The source cannot be read from here: the documents have to be sent."""


class Worker:
    """One model, one connection to the source; close it when the run has ended.

    Raises what the model's loading raises.
    """

    def __init__(self, name: str, setup: WorkerSetup) -> None:
        self.name = name
        self._setup = setup
        self._model: Model = setup.load()
        self._reader: RangeReader | None = None
        self._open = ExitStack()
        self._range: tuple[KeyRange, dict[str, str]] | None = None

    def close(self) -> None:
        """Close the connection to the source."""
        self._open.close()

    @property
    def identity(self) -> JSON:
        """Of the model."""
        return identity(self._model)

    def embed(self, task: Task) -> TaskResult:
        """The vectors of the task's documents. Whatever fails is in the result, not raised."""
        started, texts = now(), list[str]()
        try:
            texts = list(task.texts) if task.texts is not None else self._texts(task)
            vectors = self._model.embed(texts)
        except CannotRead as error:
            return self._failed(task, WorkerFailure(str(error), is_source=True))
        except PartlyEmbedded as error:  # what a service answered before it failed is paid
            places = sorted(error.vectors)
            answered = np.stack([error.vectors[place] for place in places])
            result = self._done(task, [texts[place] for place in places], answered, started)
            failure = WorkerFailure(error.sentence, error.next_step)
            return replace(result, places=tuple(places), failure=failure)
        except DrillError as error:
            return self._failed(task, WorkerFailure(error.sentence, error.next_step))
        except Exception as error:  # of a library, a driver, the user's own function
            return self._failed(task, WorkerFailure(f"{type(error).__name__}: {error}"))
        return self._done(task, texts, vectors, started)

    def _done(
        self, task: Task, texts: Sequence[str], vectors: np.ndarray, started: float
    ) -> TaskResult:
        return TaskResult(
            task.number,
            self.name,
            vectors=vectors,
            digests=tuple(document_digest(text) for text in texts),
            identity=self.identity,
            seconds=now() - started,
        )

    def _texts(self, task: Task) -> list[str]:
        documents = self._documents(task.keys)
        missing = next((record for record in task.ids if record not in documents), None)
        if missing is not None:
            raise CannotRead(f"it does not find '{missing}' in the source.")
        return [documents[record] for record in task.ids]

    def _documents(self, keys: KeyRange | None) -> dict[str, str]:
        """id -> document of a range; kept, as several tasks are of one range."""
        if self._range and self._range[0] == keys:
            return self._range[1]
        if keys is None or self._setup.instant is None:
            raise CannotRead("it was not told where the source is.")
        try:
            if self._reader is None:
                self._reader = self._open.enter_context(self._setup.instant.open())
            documents = {row.id: row.content for row in self._reader.rows_between(keys)}
        except DrillError as error:
            raise CannotRead(error.sentence) from error
        except Exception as error:  # of the driver, whose errors are only its own while it is open
            raise CannotRead(f"{type(error).__name__}: {error}") from error
        self._range = (keys, documents)
        return documents

    def _failed(self, task: Task, failure: WorkerFailure) -> TaskResult:
        return TaskResult(task.number, self.name, failure=failure)
