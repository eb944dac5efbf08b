"""Files of questions that are written: a first one from the user's own records, and what was answered.

Without text of records: vectors and ids, and of a question in words the words that the user wrote.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import orjson

from chromadrill.chroma.client import Chroma
from chromadrill.core.files import atomic_file
from chromadrill.core.model import CollectionInfo, QuestionState, Scope
from chromadrill.workload.queries.known_answer import spread
from chromadrill.workload.queries.question_file import UserQuestion
from chromadrill.workload.queries.sampled_records import LONGEST_OF
from chromadrill.workload.queries.self_queries import VectorMissing, question_at
from chromadrill.workload.queries.user_questions import QuestionAnswer

FEWEST = 5  # records of a small collection among large ones
_COSINE_DIGITS = 6


@dataclass(slots=True)
class SampledRecords:
    """What was seen while records were chosen: records of each collection, and those without vector."""

    counts: dict[str, int] = field(default_factory=dict)
    without_vector: list[str] = field(default_factory=list)


def record_questions(
    chroma: Chroma,
    scopes: Sequence[Scope],
    wanted: int,
    sampled: SampledRecords,
    *,
    is_left_out: Callable[[str], bool] = lambda name: False,
) -> Iterator[UserQuestion]:
    """Yield about `wanted` records as questions, each asked for by its own vector; FEWEST a collection.

    Spread over each collection. By inner product the longest vectors are the nearest: then the longest
    of some. `is_left_out`: of collections by their names. Raises CallFailed.
    """
    infos = [info for scope in scopes for info in chroma.collections(scope)]
    sized = [(chroma.count(info), info) for info in infos if not is_left_out(info.name)]
    sampled.counts |= {info.key: count for count, info in sized}
    total = sum(count for count, _ in sized)
    line = 0
    for count, info in sized:
        share = max(FEWEST, round(wanted * count / total)) if total else 0
        for offset in spread(count, share):
            question = _record_at(chroma, info, offset, line + 1, sampled)
            if question is not None:
                line += 1
                yield question


def _record_at(
    chroma: Chroma, info: CollectionInfo, offset: int, line: int, sampled: SampledRecords
) -> UserQuestion | None:
    longest_of = LONGEST_OF if info.space == "ip" else 1
    try:
        record = question_at(chroma, info, offset, longest_of=longest_of)
    except VectorMissing as error:
        sampled.without_vector.append(f"{info.key}: {error}")
        return None
    if record is None:
        return None  # removed since it was counted
    return UserQuestion(
        line=line,
        scope=record.scope,
        collection=record.collection,
        text=None,
        vector=np.array(record.vector, np.float32),
        where=None,
        where_document=None,
        right=(record.record,),
    )


class AnswerFile:
    """A file of questions that is being written, one a line. `written`: how many lines it has."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.written = 0

    def add(self, answer: QuestionAnswer) -> None:
        """Write the question with what was answered; a broken line is no question."""
        if answer.question is not None:
            self._file.write(line_of(answer.question, answer))
            self.written += 1


@contextmanager
def new_answer_file(path: Path) -> Iterator[AnswerFile]:
    """A file for its owner alone, which appears whole, or not at all."""
    with atomic_file(path, private=True) as file:
        yield AnswerFile(file)


def line_of(question: UserQuestion, answer: QuestionAnswer) -> bytes:
    """One line of a file: the question, and what was answered where it was asked."""
    line: dict[str, object] = {"collection": question.key}
    if question.text is not None:
        line["text"] = question.text
    else:
        line["vector"] = question.vector
    for key, value in (
        ("where", question.where),
        ("where_document", question.where_document),
        ("note", question.note),
    ):
        if value:
            line[key] = value
    line["right"] = question.right
    if answer.state not in (QuestionState.UNASKED, QuestionState.FAILED):
        line["rank"] = answer.rank
        if answer.cosines:
            line["cosines"] = [
                None if math.isnan(one) else round(one, _COSINE_DIGITS) for one in answer.cosines
            ]
        line["answered"] = answer.answered
    return orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)
