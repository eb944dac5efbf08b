"""The user's own questions: a first file of them, and asking them of a server or of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chromadrill.backups.data_place import data_directory, require_store
from chromadrill.checks.questions import finds_right_records
from chromadrill.chroma.at_rest.store import Store
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.run_names import is_run_name
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import (
    CollectionInfo,
    QuestionCounts,
    QuestionState,
    Scope,
    Verdict,
    WhyUnasked,
)
from chromadrill.drill.collection_counts import is_unfinished
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.targets.process.private_copy import private_copy
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions
from chromadrill.workload.queries.question_counts import count_answers
from chromadrill.workload.queries.question_record import (
    SampledRecords,
    new_answer_file,
    record_questions,
)
from chromadrill.workload.queries.user_questions import QuestionAnswer, ask

OnAnswer = Callable[[QuestionAnswer], None]
ServedPlace = tuple[Chroma, Sequence[Scope]]


@dataclass(frozen=True, slots=True)
class QuestionSample:
    """Questions that were written, what became of all that were tried, and of what collections."""

    written: int
    states: Counter[QuestionState]
    sampled: SampledRecords


@contextmanager
def serve_source(source: str | Path, scopes: Sequence[Scope] = ()) -> Iterator[ServedPlace]:
    """A client of a running server, which is only read, or of a private copy of a directory's files.

    With the scopes to look at: those named, else the default one of a server, and all of a directory.
    """
    if isinstance(source, str):
        with connect(source, deadline_s=LONG_S) as chroma:
            yield chroma, scopes or (Scope(),)
        return
    require_store(source)
    data = data_directory(source)
    if not scopes:
        with Store.open(data) as store:
            scopes = [Scope(tenant, name) for tenant, name in store.databases()]
    with private_copy(data, scopes) as target:
        target.start()
        with connect(target.url, deadline_s=LONG_S) as chroma:
            yield chroma, scopes


def sample_questions(
    source: str | Path, scopes: Sequence[Scope], wanted: int, nearest: int, output: Path
) -> QuestionSample:
    """Write a first file of questions from the source's own records, without text.

    Those that are not found by their own vector are left out: nobody could tell a loss by them. Raises
    Unavailable where there is no record, or none that is found.
    """
    sampled = SampledRecords()
    states: Counter[QuestionState] = Counter()
    with serve_source(source, scopes) as (chroma, places), new_answer_file(output) as file:
        questions = record_questions(
            chroma, places, wanted, sampled, is_left_out=lambda name: not _is_theirs(name)
        )
        for answer in ask(chroma, questions, _no_text, nearest=nearest, with_cosines=True):
            states[answer.state] += 1
            if answer.rank is not None:
                file.add(answer)
        _require_some(file.written, states, sampled)
    return QuestionSample(file.written, states, sampled)


def _is_theirs(name: str) -> bool:
    """Whether a collection is neither a drill's nor one that a restore or a rebuild is filling."""
    return not (is_run_name(name) or is_unfinished(name))


def _require_some(written: int, states: Counter[QuestionState], sampled: SampledRecords) -> None:
    if written:
        return
    where = ", ".join(sampled.counts) or "the databases named"
    if states or sampled.without_vector:
        raise Unavailable(
            f"No questions: of the records tried in {where} none is found by its own vector.",
            next_step="Ask what is wrong with them: chromadrill validate.",
        )
    raise Unavailable(
        f"No questions: no record in {where}.",
        next_step="Name the databases that hold something: --scope TENANT/DATABASE.",
    )


def _no_text(texts: Sequence[str], collection: CollectionInfo) -> np.ndarray:
    raise Unavailable("Records are asked for by their vectors.")


def ask_all(
    source: str | Path,
    questions: ConfiguredQuestions,
    *,
    on_answer: OnAnswer = lambda answer: None,
    output: Path | None = None,
) -> tuple[QuestionCounts, Verdict]:
    """Ask every question of the file. `output`: write them there with what was answered.

    Raises Unavailable for a file that cannot be read, and for `output` where a line is broken.
    """
    file = questions.file
    with ExitStack() as stack:
        lines = file.count()  # before a server is started for a file that is not there
        chroma, _ = stack.enter_context(serve_source(source))
        written = stack.enter_context(new_answer_file(output)) if output else None

        def answers() -> Iterator[QuestionAnswer]:
            for answer in ask(
                chroma,
                file.questions(),
                questions.embed,
                nearest=questions.nearest,
                with_cosines=output is not None,
            ):
                on_answer(answer)
                if written is not None:
                    _refuse_broken(file.name, answer)
                    written.add(answer)
                yield answer

        counts = count_answers(
            answers(), file=file.path.name, lines=lines, nearest=questions.nearest
        )
    return counts, finds_right_records(counts, questions.least_percent)


def _refuse_broken(file: str, answer: QuestionAnswer) -> None:
    """A line that is no question would be missing in what is written."""
    if answer.why_unasked is WhyUnasked.BROKEN:
        raise Unavailable(
            f"{file}, line {answer.line}: {answer.message}. Nothing was written.",
            next_step="Mend the line, then the same command again.",
        )
