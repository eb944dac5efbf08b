"""`[questions]` of `drill.toml`: the user's own questions, asked wherever a server is judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chromadrill.checks.questions import finds_right_records, not_readable
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import CollectionInfo, QuestionCounts, Verdict
from chromadrill.core.protocols import EmbedsQueries, Model
from chromadrill.core.settings import Embedding, Settings
from chromadrill.embedding import embedders
from chromadrill.workload.queries.known_answer import NEAREST, QUESTIONS, KnownAnswer
from chromadrill.workload.queries.question_counts import count_answers
from chromadrill.workload.queries.question_file import QuestionFile
from chromadrill.workload.queries.user_questions import QuestionAnswer, ask

LATEST = 5  # place of the right record among the answers
REMEMBERED = 2000  # texts whose vectors are kept: they are asked before and after a restart


class ConfiguredEmbedder:
    """The model of `[embedding]`, loaded when the first text comes, with the vectors it made last.

    Where collections name their functions, it is one model a collection.
    """

    def __init__(self, embedding: Embedding) -> None:
        self._embedding = embedding
        self._models: dict[str, Model] = {}
        self._vectors: dict[tuple[str, str], np.ndarray] = {}

    def __call__(self, texts: Sequence[str], collection: CollectionInfo) -> np.ndarray:
        """float32 of shape (len(texts), dimension). Raises Unavailable where there is no model."""
        owner = collection.key if self._embedding.function == "collection" else ""
        keys = [(owner, text) for text in texts]
        new = [key for key in dict.fromkeys(keys) if key not in self._vectors]
        if new:
            if len(self._vectors) + len(new) > REMEMBERED:
                self._vectors = {key: self._vectors[key] for key in keys if key in self._vectors}
            if owner not in self._models:
                self._models[owner] = embedders.load(self._embedding, collection)
            vectors = _embed_questions(self._models[owner], [text for _, text in new])
            self._vectors |= dict(zip(new, vectors, strict=True))
        return np.array([self._vectors[key] for key in keys], np.float32)


def _embed_questions(model: Model, texts: list[str]) -> np.ndarray:
    """Some models have another vector for a question than for a document."""
    return model.embed_queries(texts) if isinstance(model, EmbedsQueries) else model.embed(texts)


@dataclass(frozen=True, slots=True)
class RightQuestions:
    """Questions of the user that are answered rightly just now, and the verdict on all of them."""

    right: tuple[KnownAnswer, ...]
    verdict: Verdict


class ConfiguredQuestions:
    """The questions of one file; at most `most` of them are asked at a time, spread over the file."""

    def __init__(
        self,
        file: QuestionFile,
        embed: ConfiguredEmbedder,
        *,
        nearest: int,
        least_percent: float,
        most: int | None,
    ) -> None:
        self.file, self.embed = file, embed
        self.nearest, self.least_percent, self.most = nearest, least_percent, most

    def ask(self, chroma: Chroma) -> QuestionCounts:
        """Ask them. Raises Unavailable for a file that cannot be read, CallFailed as `ask` does."""
        answers = ask(chroma, self.file.questions(self.most), self.embed, nearest=self.nearest)
        return self._count(answers)

    def verdicts(self, chroma: Chroma, when: str = "") -> list[Verdict]:
        """Ask them, and judge. `when` is put behind the check's name. A server is never blamed for
        a file that cannot be read, nor for a gateway in front of it.
        """
        try:
            verdict = finds_right_records(self.ask(chroma), self.least_percent)
        except (Unavailable, CallFailed) as error:
            verdict = not_readable(str(error))
        return [dataclasses.replace(verdict, check=verdict.check + when)]

    def right_now(self, chroma: Chroma, each: int = QUESTIONS) -> RightQuestions:
        """Ask some QUESTIONS of them: those that find their record are questions with a known answer.

        At most `each` of a collection. One whose record comes late among the answers is left out: it
        may fall out when a record is added. Raises Unavailable and CallFailed as `ask` does.
        """
        groups: dict[str, list[QuestionAnswer]] = {}

        def keep(answer: QuestionAnswer) -> QuestionAnswer:
            if answer.question is not None and (answer.rank or NEAREST) <= LATEST:
                group = groups.setdefault(answer.question.key, [])
                if len(group) < each:
                    group.append(answer)
            return answer

        questions = self.file.questions(min(QUESTIONS, self.most or QUESTIONS))
        answers = ask(chroma, questions, self.embed, nearest=self.nearest)
        counts = self._count(keep(answer) for answer in answers)
        verdict = finds_right_records(counts, self.least_percent)
        right = [answer for group in groups.values() for answer in group]
        return RightQuestions(tuple(_known_answers(chroma, right)), verdict)

    def _count(self, answers: Iterable[QuestionAnswer]) -> QuestionCounts:
        return count_answers(
            answers, file=self.file.path.name, lines=self.file.count(), nearest=self.nearest
        )


def _known_answers(chroma: Chroma, answers: Sequence[QuestionAnswer]) -> Iterator[KnownAnswer]:
    """The questions with the record that came, as it is now. Those whose record has just gone are left
    out.
    """
    for answer in answers:
        question = answer.question
        if question is None or question.vector is None or answer.rank is None:
            continue
        record = answer.answered[answer.rank - 1]
        info = chroma.collection(question.scope, question.collection)
        raw = chroma.get(info, ids=[record], include=("documents", "embeddings"))
        if not raw["ids"] or raw["embeddings"][0] is None:
            continue
        yield KnownAnswer(
            question.scope,
            question.collection,
            record,
            raw["documents"][0],
            [float(x) for x in question.vector],
            where=question.where,
            where_document=question.where_document,
            record_vector=[float(x) for x in raw["embeddings"][0]],
        )


def configured_questions(settings: Settings) -> ConfiguredQuestions | None:
    """The questions of `[questions]`; None where no file is named."""
    table = settings.questions
    if table.file is None:
        return None
    return ConfiguredQuestions(
        QuestionFile(Path(table.file)),
        ConfiguredEmbedder(settings.embedding),
        nearest=table.k,
        least_percent=table.least_hit_percent,
        most=table.most_asked,
    )
