"""Documents in PostgreSQL, and questions with known right documents: what a total loss is drilled on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import JSON, CollectionInfo, Hits
from chromadrill.core.protocols import Embedder
from chromadrill.workload.data.standard import metadata_of, take
from chromadrill.workload.data.stdlib import Document, documents

if TYPE_CHECKING:
    import psycopg

QUESTIONS = 200
NEAREST = 10


@dataclass(frozen=True, slots=True)
class Library:
    """Documents with typed metadata. Each is asked for by the words of the name it describes."""

    documents: tuple[Document, ...]

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.documents]

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.documents]

    @property
    def metadatas(self) -> list[JSON]:
        return [metadata_of(each, number) for number, each in enumerate(self.documents)]

    def questions(self) -> list[tuple[str, str]]:
        """(question, the right document's text): "textwrap fill" asks for what describes it."""
        step = max(1, len(self.documents) // QUESTIONS)
        return [
            (re.sub(r"[._]+", " ", each.id.rpartition(":")[0]).strip(), each.text)
            for each in self.documents[::step][:QUESTIONS]
        ]


def library(wanted: int) -> Library:
    """`wanted` docstrings, spread over the standard library."""
    return Library(tuple(take(documents(), wanted)))


def ask(
    chroma: Chroma, info: CollectionInfo, model: Embedder, questions: Sequence[tuple[str, str]]
) -> Hits:
    """How many questions find their right document. By its text: several records may hold one text.

    Raises CallFailed.
    """
    first = ten = 0
    for start in range(0, len(questions), 100):
        group = questions[start : start + 100]
        vectors = model.embed([question for question, _ in group])
        raw = chroma.query(
            info, np.asarray(vectors), n_results=NEAREST, include=("documents", "distances")
        )
        for (_, right), found in zip(group, raw["documents"], strict=True):
            first += found[:1] == [right]
            ten += right in found
    return Hits(len(questions), first, ten)


def seed(connection: psycopg.Connection[Any], schema: str, held: Library) -> None:
    """Make the schema, which must not exist, and in it the table `manual_content` with all of it."""
    from psycopg import sql

    name = sql.Identifier(schema)
    connection.execute(sql.SQL("create schema {}").format(name))
    connection.execute(
        sql.SQL(
            "create table {}.manual_content (id text primary key, content text not null,"
            " metadata jsonb, updated_at timestamptz not null default now())"
        ).format(name)
    )
    copy = sql.SQL("copy {}.manual_content (id, content, metadata) from stdin").format(name)
    with connection.cursor() as cursor, cursor.copy(copy) as out:
        for record, text, metadata in zip(held.ids, held.texts, held.metadatas, strict=True):
            out.write_row((record, text, orjson.dumps(metadata).decode()))
    connection.commit()


def unseed(connection: psycopg.Connection[Any], schema: str) -> None:
    """Remove what `seed` made. A schema's name has the run's in it, which is no bare SQL word."""
    from psycopg import sql

    connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    connection.commit()
