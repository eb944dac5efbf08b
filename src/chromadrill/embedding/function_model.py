"""Any embedding function as a model: in batches, called again, held to a limit, and watched.

Each request of several documents carries two short texts of ours, the first and the last one, whose
vectors are known. So it is seen when a service answers in another order, or another model answers
from now on behind the same address: neither has a status.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chromadrill.core.errors import Unavailable
from chromadrill.embedding import http_clients
from chromadrill.embedding.answers import WrongAnswer, another_order, require_order, vectors_of
from chromadrill.embedding.http_clients import record_exchange
from chromadrill.embedding.likeness import cosines
from chromadrill.embedding.rate_limit import RateLimit
from chromadrill.embedding.retries import CallFailed, RetryPlan, call_again, failure_of
from chromadrill.embedding.usage import Usage

Function = Callable[[list[str]], Any]  # texts -> a vector of each
CONTROLS = ("a small boat", "iron and glass")
LONG_WAIT_S = 3.0  # somebody wonders by then
TOO_LARGE = (400, 413, 422)  # the request, or a document of it


@dataclass(frozen=True, slots=True)
class Way:
    """How a function is called: documents of a request, seconds, calls side by side, limits.

    `least_cosine`: of the vectors of one text, embedded twice. `say`: is told of long waits.
    """

    batch_size: int = 30
    workers: int = 2
    timeout_s: float = 60.0
    retry: RetryPlan = field(default_factory=RetryPlan)
    requests_per_minute: float | None = None
    documents_per_minute: float | None = None
    least_cosine: float = 0.9999
    say: Callable[[str], None] = lambda line: None


class PartlyEmbedded(Unavailable):
    """Some requests of several failed. `vectors`: of the texts whose requests did not, by place."""

    def __init__(self, failure: Unavailable, vectors: Mapping[int, np.ndarray]) -> None:
        super().__init__(failure.sentence, next_step=failure.next_step)
        self.vectors = vectors


class FunctionModel:
    """A `Model` without weights at hand. It asks for two short texts when it is made.

    Raises Unavailable where the function fails, WrongAnswer where what it gives are no vectors.
    """

    weights_sha256 = None

    def __init__(
        self,
        function: Function,
        *,
        name: str,
        revision: str,
        configuration_sha256: str,
        way: Way,
        dimension: int | None = None,
    ) -> None:
        self.name, self.revision = name, revision
        self.configuration_sha256 = configuration_sha256
        self._function, self._way = function, way
        self._limit = RateLimit(way.requests_per_minute, way.documents_per_minute)
        self.usage = Usage()
        # a service is told by its HTTP client; whatever else it is may not stand two threads
        self._is_service = http_clients.watch(function, way.timeout_s) > 0
        self.workers = way.workers if self._is_service else 1
        # one at a time: a single answer cannot be in another order
        ones = [self._ask([text], dimension) for text in CONTROLS]
        self.dimension = int(ones[0].shape[1])
        self._controls = np.concatenate(ones)
        if np.allclose(ones[0], ones[1], rtol=1e-6, atol=1e-9):
            raise WrongAnswer(f"{name} gives two different texts the same vector.")

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape (len(texts), dimension). Raises PartlyEmbedded, WrongAnswer."""
        return self._in_parts(texts, self._embed_part)

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        """As `embed`, for questions: some models have another vector for them."""
        ask = getattr(self._function, "embed_query", None)
        if not callable(ask):
            return self.embed(texts)
        return self._in_parts(texts, lambda part: self._ask(part, self.dimension, ask))

    def least_seconds(self, documents: int) -> float:
        """What the limits alone make of so many documents."""
        size = self._way.batch_size
        return self._limit.seconds(-(-documents // size), documents)

    def facts(self) -> dict[str, Any]:
        """What a report says of the embedder that ran; no address beyond its host."""
        facts = {
            "name": self.name,
            "revision": self.revision,
            "weights_sha256": None,
            "configuration_sha256": self.configuration_sha256,
            "dimension": self.dimension,
            "workers": self.workers,
            "requests": self.usage.requests,
            "retries": self.usage.retries,
        }
        if self.usage.endpoint:
            facts["endpoint"] = self.usage.endpoint
        if self.usage.tokens is not None:
            facts["tokens"] = self.usage.tokens
        return facts

    # ---- requests ------------------------------------------------------------------------------
    def _in_parts(
        self, texts: Sequence[str], embed: Callable[[list[str]], np.ndarray]
    ) -> np.ndarray:
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        size = self._way.batch_size
        starts = range(0, len(texts), size)
        parts = [list(texts[start : start + size]) for start in starts]
        if min(self.workers, len(parts)) < 2:
            outcomes = []
            for part in parts:
                outcomes.append(_outcome(embed, part))
                if isinstance(outcomes[-1], Unavailable):
                    break
        else:
            with ThreadPoolExecutor(min(self.workers, len(parts))) as pool:
                outcomes = list(pool.map(lambda part: _outcome(embed, part), parts))
        vectors = np.empty((len(texts), self.dimension), np.float32)
        rows: dict[int, np.ndarray] = {}
        failure = next((one for one in outcomes if isinstance(one, Unavailable)), None)
        for start, outcome in zip(starts, outcomes, strict=False):
            if not isinstance(outcome, Unavailable):
                vectors[start : start + len(outcome)] = outcome
                rows.update(enumerate(outcome, start))
        if failure is None:
            return vectors
        if isinstance(failure, WrongAnswer) or not rows:
            raise failure
        raise PartlyEmbedded(failure, rows)

    def _embed_part(self, texts: list[str]) -> np.ndarray:
        """One request, in two halves where it is too large."""
        try:
            return self._embed_controlled(texts)
        except _TooLarge as failure:
            if len(texts) == 1:
                raise Unavailable(
                    f"{self.name} does not take a document of {len(texts[0])} characters:"
                    f" {failure.sentence}.",
                    next_step="Cut the documents: [source] split.",
                ) from failure
        half = len(texts) // 2
        return np.concatenate([self._embed_part(texts[:half]), self._embed_part(texts[half:])])

    def _embed_controlled(self, texts: list[str]) -> np.ndarray:
        if len(texts) == 1:
            vectors = self._ask(texts, self.dimension)
        else:
            first, last = CONTROLS
            answer = self._ask([first, *texts, last], self.dimension)
            self._require_controls(answer)
            vectors = answer[1:-1]
        self.usage.count_documents(len(texts), sum(map(len, texts)))
        return vectors

    def _require_controls(self, answer: np.ndarray) -> None:
        least = self._way.least_cosine
        alike = cosines(self._controls, answer)
        if alike[0, 0] >= least and alike[1, -1] >= least:
            return
        if (alike >= least).any(axis=1).all():
            raise another_order(self.name)
        raise WrongAnswer(
            f"{self.name}: another model answers now: the vector of a text that was embedded before"
            f" has changed (cosine {min(alike[0, 0], alike[1, -1]):.4f}, wanted {least})."
            " Nothing of that answer was written.",
            next_step="See which model the service runs; the same command goes on then.",
        )

    def _ask(
        self, texts: list[str], dimension: int | None, function: Function | None = None
    ) -> np.ndarray:
        """One request, made again while what fails may pass."""
        call = function or self._function

        def attempt() -> np.ndarray:
            self._limit.wait(len(texts))
            return self._call(call, texts, dimension)

        def on_retry(failure: CallFailed, seconds: float) -> None:
            self.usage.count_retry()
            self._limit.hold(seconds)
            if seconds >= LONG_WAIT_S:
                self._way.say(f"{self.name}: {failure.sentence}. Asked again in {seconds:.0f} s.")

        try:
            return call_again(self._way.retry, attempt, on_retry)
        except CallFailed as failure:
            if failure.status in TOO_LARGE and hasattr(self, "dimension"):
                raise _TooLarge(failure.sentence) from failure
            tries = f" {self._way.retry.retries + 1} times" if failure.passes else ""
            raise Unavailable(
                f"{self.name} does not embed{tries}: {failure.sentence}.",
                next_step="The same command goes on where this one stopped.",
            ) from failure

    def _call(self, function: Function, texts: list[str], dimension: int | None) -> np.ndarray:
        with record_exchange() as exchange:
            try:
                answer = self._call_in_time(function, texts)
            except Exception as error:
                raise failure_of(error, exchange) from error
            if exchange.failed:  # the library made an answer of it
                raise failure_of(ValueError("no vectors"), exchange)
        vectors = vectors_of(self.name, answer, len(texts), dimension)
        require_order(self.name, exchange.order)
        self.usage.count_request(exchange.tokens, exchange.endpoint)
        return vectors

    def _call_in_time(self, function: Function, texts: list[str]) -> Any:
        """A service's client keeps the time itself; anything else is left behind when it is over."""
        if self._is_service:
            return function(texts)
        return _within(self._way.timeout_s, lambda: function(texts))


class _TooLarge(Unavailable):
    """The service refuses the request as it is; half of it may do."""


def _outcome(embed: Callable[[list[str]], np.ndarray], part: list[str]) -> np.ndarray | Unavailable:
    try:
        return embed(part)
    except Unavailable as failure:
        return failure


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """What `call` returns or raises; TimeoutError after so long. Its thread ends when it does."""
    outcome: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((call(), None))
        except BaseException as error:
            outcome.put((None, error))

    # a daemon: one that hangs does not keep the command from ending
    threading.Thread(target=run, name="embedding function", daemon=True).start()
    try:
        answer, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s ([embedding] timeout_s)") from None
    if error is not None:
        raise error
    return answer
