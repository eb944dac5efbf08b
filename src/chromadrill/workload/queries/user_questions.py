"""The user's own questions, asked: what became of each, in flat memory.

Only reads. A question whose right record does not come is looked at again: is the record still there,
as it was recorded, is it nearer than what came, and is it in the index?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

import numpy as np
import orjson

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.distance_metric import true_space
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import CollectionInfo, QuestionState, WhyUnasked
from chromadrill.workload.queries.known_answer import MALFORMED, NEAREST
from chromadrill.workload.queries.question_file import BrokenLine, UserQuestion
from chromadrill.workload.queries.self_queries import SLACK, distance, is_hidden

TOGETHER = 100  # questions in memory and, of one collection and filter, in one call
SAME_COSINE = 1e-3  # of a record's vector to the question: an import may drift by less
# questions of one collection -> a vector of each; raises Unavailable where there is no embedder
Embed = Callable[[Sequence[str], CollectionInfo], np.ndarray]
REFUSED = (400, 422)  # statuses of a filter that is none
HANGS = 2  # calls without an answer in time, after which nothing more is asked


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """What became of one question; `rank` from 1 on where it was found.

    `question` has a vector where it was asked. `answered`: the ids that came, the nearest first.
    `cosines`: of each right record to the question (NaN: it is not there); where they were asked for.
    """

    line: int
    state: QuestionState
    message: str = ""
    why_unasked: WhyUnasked | None = None
    question: UserQuestion | None = None
    rank: int | None = None
    answered: tuple[str, ...] = ()
    cosines: tuple[float, ...] = ()

    @property
    def is_expected(self) -> bool:
        """It had found its record when the file was recorded, or nobody recorded what it found."""
        return self.question is None or not self.question.recorded or self.question.rank is not None


def ask(
    chroma: Chroma,
    questions: Iterable[UserQuestion | BrokenLine],
    embed: Embed,
    *,
    nearest: int = NEAREST,
    with_cosines: bool = False,
) -> Iterator[QuestionAnswer]:
    """Yield what became of each question, in the order of lines; TOGETHER of them are in memory.

    `with_cosines`: for a record of the answers. Raises CallFailed where something in front of the
    server does not let it through; other errors of the server are answers.
    """
    asker = _Asker(chroma, embed, nearest, with_cosines=with_cosines)
    rest = iter(questions)
    while part := list(islice(rest, TOGETHER)):
        answers = [
            QuestionAnswer(one.line, QuestionState.UNASKED, one.message, WhyUnasked.BROKEN)
            for one in part
            if isinstance(one, BrokenLine)
        ]
        answers += asker.ask([one for one in part if isinstance(one, UserQuestion)])
        yield from sorted(answers, key=lambda answer: answer.line)


def _cannot_ask(question: UserQuestion, why: WhyUnasked, message: str) -> QuestionAnswer:
    return QuestionAnswer(question.line, QuestionState.UNASKED, message, why, question)


class _Asker:
    """One server that is asked. Collections are looked up once."""

    def __init__(self, chroma: Chroma, embed: Embed, nearest: int, *, with_cosines: bool) -> None:
        self._chroma, self._embed = chroma, embed
        self._nearest, self._with_cosines = nearest, with_cosines
        self._infos: dict[str, CollectionInfo | None] = {}
        self._spaces: dict[str, str] = {}
        self._no_embedder: dict[str, str] = {}  # of a collection: why
        self._timed_out = 0

    def ask(self, questions: Sequence[UserQuestion]) -> Iterator[QuestionAnswer]:
        ready: list[tuple[str, UserQuestion, CollectionInfo]] = []
        for question, answer in self._with_vectors(questions):
            info = None if answer else self._info(question)
            answer = answer or self._why_not(question, info)
            if answer:
                yield answer
            elif info:
                ready.append((_group(question), question, info))
        ready.sort(key=lambda item: item[0])
        for _, group in groupby(ready, key=lambda item: item[0]):
            members = list(group)
            yield from self._ask_group(members[0][2], [question for _, question, _ in members])

    def _with_vectors(
        self, questions: Sequence[UserQuestion]
    ) -> Iterator[tuple[UserQuestion, QuestionAnswer | None]]:
        """Each question with its vector, or with why it has none."""
        in_words: dict[str, list[UserQuestion]] = {}
        for question in questions:
            if question.vector is None:
                in_words.setdefault(question.key, []).append(question)
        vectors: dict[int, np.ndarray] = {}
        for key, group in in_words.items():
            info = self._info(group[0])
            if info is None or key in self._no_embedder:
                continue
            try:
                embedded = self._embed([str(question.text) for question in group], info)
                vectors |= {q.line: row for q, row in zip(group, embedded, strict=True)}
            except (Unavailable, Refused) as error:
                self._no_embedder[key] = str(error)
        for question in questions:
            if question.line in vectors:
                yield replace(question, vector=vectors[question.line]), None
            elif question.vector is None and question.key in self._no_embedder:
                message = f"a question in words. {self._no_embedder[question.key]}"
                yield question, _cannot_ask(question, WhyUnasked.EMBEDDER, message)
            else:  # with a vector of its own, or of a collection that is not there
                yield question, None

    def _info(self, question: UserQuestion) -> CollectionInfo | None:
        if question.key not in self._infos:
            try:
                info = self._chroma.collection(question.scope, question.collection)
            except CallFailed as error:
                if not error.is_missing:
                    raise
                info = None
            self._infos[question.key] = info
        return self._infos[question.key]

    def _why_not(
        self, question: UserQuestion, info: CollectionInfo | None
    ) -> QuestionAnswer | None:
        """Why it cannot be asked; None where it can."""
        if info is None:
            return _cannot_ask(question, WhyUnasked.COLLECTION, f"no collection {question.key}")
        if info.dimension is None:
            message = f"{info.key} holds no record"
            return QuestionAnswer(question.line, QuestionState.MOVED, message, question=question)
        size = len(question.vector) if question.vector is not None else 0
        if size != info.dimension:
            kind = "the embedder's vector" if question.text else "the vector"
            message = f"{kind} has {size} numbers, those of {info.key} have {info.dimension}"
            return _cannot_ask(question, WhyUnasked.DIMENSION, message)
        if self._timed_out >= HANGS:
            message = "not asked any more: the server hangs"
            return QuestionAnswer(question.line, QuestionState.FAILED, message, question=question)
        return None

    def _ask_group(
        self, info: CollectionInfo, questions: Sequence[UserQuestion]
    ) -> Iterator[QuestionAnswer]:
        """Questions of one collection and one filter, in one call; where it fails, in two."""
        try:
            yield from self._answers(info, questions)
        except CallFailed as error:
            if error.is_access:
                raise
            if error.status in REFUSED and _is_filtered(questions[0]):
                message = f"the server refuses the filter: {error}"[:300]
                for question in questions:
                    yield _cannot_ask(question, WhyUnasked.BROKEN, message)
                return
            self._timed_out += error.is_timeout
            message, is_split = str(error)[:300], not error.is_timeout
        except MALFORMED as error:
            message, is_split = f"not the form of an answer ({type(error).__name__}: {error})", True
        else:
            return
        if is_split and len(questions) > 1:  # one record without a vector fails them all
            half = len(questions) // 2
            yield from self._ask_group(info, questions[:half])
            yield from self._ask_group(info, questions[half:])
            return
        for question in questions:
            yield QuestionAnswer(question.line, QuestionState.FAILED, message, question=question)

    def _answers(
        self, info: CollectionInfo, questions: Sequence[UserQuestion]
    ) -> list[QuestionAnswer]:
        first = questions[0]
        raw = self._chroma.query(
            info,
            np.array([question.vector for question in questions], np.float32),
            n_results=self._nearest,
            where=first.where,
            where_document=first.where_document,
        )
        answers, missed = [], []
        for question, ids, distances in zip(questions, raw["ids"], raw["distances"], strict=True):
            rank = next((n for n, id_ in enumerate(ids, 1) if id_ in question.right), None)
            if rank is None:
                missed.append((question, tuple(ids), tuple(distances)))
                continue
            answers.append(
                QuestionAnswer(question.line, QuestionState.FOUND, question=question, rank=rank,
                               answered=tuple(ids))
            )  # fmt: skip
        if missed or self._with_cosines:
            stored = self._right_vectors(
                info, questions if self._with_cosines else [q for q, _, _ in missed]
            )
            answers += [self._explain_miss(info, stored, *miss) for miss in missed]
            if self._with_cosines:
                answers = [replace(one, cosines=_cosines(one.question, stored)) for one in answers]
        return answers

    def _right_vectors(
        self, info: CollectionInfo, questions: Sequence[UserQuestion]
    ) -> dict[str, np.ndarray | None]:
        """Vectors of the right records that are there and pass the filter; None: without a vector."""
        first = questions[0]
        raw = self._chroma.get(
            info,
            ids=sorted({id_ for question in questions for id_ in question.right}),
            where=first.where,
            where_document=first.where_document,
            include=("embeddings",),
        )
        vectors = raw["embeddings"] if raw["embeddings"] is not None else [None] * len(raw["ids"])
        return {
            id_: None if vector is None else np.asarray(vector, np.float32)
            for id_, vector in zip(raw["ids"], vectors, strict=True)
        }

    def _explain_miss(
        self,
        info: CollectionInfo,
        stored: dict[str, np.ndarray | None],
        question: UserQuestion,
        answered: tuple[str, ...],
        distances: tuple[float, ...],
    ) -> QuestionAnswer:
        """Why no right record is among the answers."""

        def answer(state: QuestionState, message: str) -> QuestionAnswer:
            return QuestionAnswer(
                question.line, state, message, question=question, answered=answered
            )

        present = [id_ for id_ in question.right if id_ in stored]
        names = ", ".join(question.right[:3])
        if not present:
            reason = ", or does not pass the filter" if _is_filtered(question) else ""
            message = f"{names} of {info.key} is not there any more{reason}"
            return answer(QuestionState.MOVED, message)
        if any(stored[id_] is None for id_ in present):
            return answer(QuestionState.LOST, f"{present[0]} of {info.key} has no vector")
        asked = np.asarray(question.vector)
        present = [id_ for id_ in present if _is_as_recorded(question, id_, stored[id_])]
        if not present:
            message = f"{names} of {info.key} has another vector than was recorded"
            return answer(QuestionState.MOVED, message)
        space = self._space(info)
        own = {id_: distance(space, asked, np.asarray(stored[id_])) for id_ in present}
        id_ = min(own, key=lambda one: own[one])
        if len(distances) >= self._nearest and is_hidden(own[id_], distances):
            return answer(QuestionState.OUTRANKED, f"others of {info.key} are nearer than {id_}")
        if self._is_in_the_index(info, question, id_, own[id_]):
            message = f"{id_} of {info.key} is nearer than what came, and in the index"
            return answer(QuestionState.UNREACHED, message)
        message = f"{id_} of {info.key} is there, and a search for it alone does not find it"
        return answer(QuestionState.LOST, message)

    def _space(self, info: CollectionInfo) -> str:
        """The metric by which the collection answers: no listing is to be relied upon."""
        if info.id not in self._spaces:
            self._spaces[info.id] = true_space(self._chroma, info)
        return self._spaces[info.id]

    def _is_in_the_index(
        self, info: CollectionInfo, question: UserQuestion, id_: str, own: float
    ) -> bool:
        """Whether the record is found, as far as it is, where it alone is searched.

        Of a healthy index one in thousands is not (measured: one of 12,000 after an import): nothing in
        its graph leads there. So a few are no damage.
        """
        raw = self._chroma.query(
            info, np.array([question.vector], np.float32), n_results=1, ids=[id_]
        )
        return raw["ids"][0] == [id_] and bool(
            abs(raw["distances"][0][0] - own) <= SLACK * max(1.0, abs(own))
        )


def _group(question: UserQuestion) -> str:
    """What questions of one call have in common: collection and filter."""
    filters = (question.where, question.where_document)
    return f"{question.key} {orjson.dumps(filters, option=orjson.OPT_SORT_KEYS).decode()}"


def _is_filtered(question: UserQuestion) -> bool:
    return bool(question.where or question.where_document)


def _is_as_recorded(question: UserQuestion, id_: str, vector: np.ndarray | None) -> bool:
    """Whether a right record's vector is as like the question as it was; nobody recorded: yes."""
    if not question.cosines or vector is None:
        return True
    recorded = question.cosines[question.right.index(id_)]
    changed = abs(cosine(np.asarray(question.vector), vector) - recorded) > SAME_COSINE
    return not changed  # of one that was not there (NaN) nothing is known


def _cosines(
    question: UserQuestion | None, stored: dict[str, np.ndarray | None]
) -> tuple[float, ...]:
    """Of each right record to the question; NaN of one that is not there."""
    if question is None:
        return ()
    vectors = [stored.get(id_) for id_ in question.right]
    asked = np.asarray(question.vector)
    return tuple(float("nan") if v is None else cosine(asked, v) for v in vectors)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """How like two vectors are in direction, whatever metric the collection has."""
    return 1.0 - distance("cosine", one, other)
