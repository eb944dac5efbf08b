"""A file of the user's own questions: JSON lines, read one after the other, never all at once.

    {"collection": "docs", "text": "how do I rotate a key?", "right": ["keys-12", "keys-13"]}
    {"collection": "acme/main/docs", "vector": [0.1, ...], "where": {"lang": "en"}, "right": ["keys-12"]}

`rank`, `cosines` and `answered` are what was recorded of a question when the database was healthy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from chromadrill.core.errors import Unavailable, did_you_mean
from chromadrill.core.model import JSON, Scope

KEYS = (
    "collection", "text", "vector", "where", "where_document", "right", "rank", "cosines", "answered",
    "note",
)  # fmt: skip
LONGEST_LINE = 8 << 20  # bytes; a question of 100,000 numbers has a quarter of it


@dataclass(frozen=True, slots=True)
class UserQuestion:
    """A question about `collection`, as `text` or as `vector` (float32), and the ids that are right.

    `recorded`: the file says what became of it; then `rank` is the place of the first right record
    among the answers (None: none came), and `cosines` how like each right record's vector is to the
    question (NaN: there was none; empty: not recorded).
    """

    line: int
    scope: Scope
    collection: str
    text: str | None
    vector: np.ndarray | None
    where: JSON | None
    where_document: JSON | None
    right: tuple[str, ...]
    recorded: bool = False
    rank: int | None = None
    cosines: tuple[float, ...] = ()
    note: str | None = None

    @property
    def key(self) -> str:
        """TENANT/DATABASE/NAME of its collection."""
        return f"{self.scope}/{self.collection}"


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that is no question, and why."""

    line: int
    message: str


class QuestionFile:
    """The questions of `path`. Blank lines are none. Raises Unavailable where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    def count(self) -> int:
        """How many lines have something in them."""
        return sum(1 for _ in self._lines())

    def questions(self, most: int | None = None) -> Iterator[UserQuestion | BrokenLine]:
        """Yield each question, or at most `most` of them, evenly spread over the file."""
        total = self.count() if most is not None else 0
        step = max(1.0, total / most) if most else 1.0
        due = 0.0
        for number, (line, text) in enumerate(self._lines()):
            if number < due:
                continue
            due += step
            yield parse(line, text)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The number of each line, from 1 on, and its bytes."""
        try:
            with self.path.open("rb") as file:
                number = 0
                while text := file.readline(LONGEST_LINE):
                    number += 1
                    if len(text) == LONGEST_LINE and not text.endswith(b"\n"):
                        raise Unavailable(
                            f"{self.path}, line {number}: longer than {LONGEST_LINE >> 20} MB.",
                            next_step="A file of questions has one JSON object a line.",
                        )
                    if text.strip():
                        yield number, text
        except OSError as error:
            raise Unavailable(
                f"{self.path}: {error.strerror or error}.",
                next_step="Name the file in [questions] file, or make a first one:"
                " chromadrill questions sample --target T --output questions.jsonl",
            ) from error


def parse(line: int, text: bytes) -> UserQuestion | BrokenLine:
    """The question of one line, or what is wrong with it."""
    try:
        raw = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
        if not isinstance(raw, dict):
            raise TypeError("an object is wanted: {...}")
        return _question(line, raw)
    except orjson.JSONDecodeError as error:
        return BrokenLine(line, f"no JSON ({error})")
    except (TypeError, ValueError) as error:
        return BrokenLine(line, str(error))


def _question(line: int, raw: JSON) -> UserQuestion:
    for key in raw:
        if key not in KEYS:
            raise ValueError(f"'{key:.40}' is no key of a question. {did_you_mean(key, KEYS)}")
    text, vector = raw.get("text"), raw.get("vector")
    if (text is None) == (vector is None):
        raise ValueError("one of 'text' and 'vector' is wanted")
    if text is not None and not (isinstance(text, str) and text.strip()):
        raise TypeError("'text' is a question in words")
    right = _ids(raw.get("right"))
    scope, collection = _place(raw.get("collection"))
    return UserQuestion(
        line=line,
        scope=scope,
        collection=collection,
        text=text,
        vector=None if vector is None else _vector(vector),
        where=_filter("where", raw),
        where_document=_filter("where_document", raw),
        right=right,
        recorded="rank" in raw,
        rank=_rank(raw.get("rank")),
        cosines=_cosines(raw.get("cosines"), right),
        note=_note(raw.get("note")),
    )


def _place(value: Any) -> tuple[Scope, str]:
    if not (isinstance(value, str) and value):
        raise TypeError("'collection' is NAME or TENANT/DATABASE/NAME")
    scope, slash, name = value.rpartition("/")
    if not name:
        raise ValueError("'collection' is NAME or TENANT/DATABASE/NAME")
    return (Scope.parse(scope) if slash else Scope()), name


def _ids(value: Any) -> tuple[str, ...]:
    ids = [value] if isinstance(value, str) else value
    if not (isinstance(ids, list) and ids and all(isinstance(one, str) and one for one in ids)):
        raise TypeError("'right' is a list of the ids that are right, one or more")
    return tuple(dict.fromkeys(ids))


def _vector(value: Any) -> np.ndarray:
    message = "'vector' is a list of numbers"
    if not (isinstance(value, list) and value):
        raise TypeError(message)
    try:
        with np.errstate(over="ignore"):
            vector = np.array(value, np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(message) from error
    # a null becomes NaN, a list of lists a matrix
    if vector.ndim != 1 or not np.isfinite(vector).all() or not all(_numbers(value)):
        raise ValueError(f"{message}, each of them finite")
    return vector


def _numbers(values: Iterable[Any]) -> Iterator[bool]:
    return (type(value) in (float, int) for value in values)


def _note(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("'note' is text of your own")
    return value


def _filter(key: str, raw: JSON) -> JSON | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"'{key}' is a filter as Chroma takes it: {{...}}")
    return value or None


def _rank(value: Any) -> int | None:
    if value is not None and not (type(value) is int and value > 0):
        raise TypeError("'rank' is the place of the first right answer, from 1 on, or null")
    return value


def _cosines(value: Any, right: tuple[str, ...]) -> tuple[float, ...]:
    """NaN for a null: there was no such record."""
    if value is None:
        return ()
    message = "'cosines' is a list of numbers, one for each id of 'right'"
    if not (isinstance(value, list) and len(value) == len(right)):
        raise TypeError(message)
    if not all(_numbers(number for number in value if number is not None)):
        raise TypeError(message)
    return tuple(float("nan") if number is None else float(number) for number in value)
