"""Documents for PostgreSQL, and questions whose right document is known: for drills of a total loss."""

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
from chromadrill.workload.data.standard import metadata_of, spread_documents
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
        return [document.id for document in self.documents]

    @property
    def texts(self) -> list[str]:
        return [document.text for document in self.documents]

    @property
    def metadatas(self) -> list[JSON]:
        return [metadata_of(document, number) for number, document in enumerate(self.documents)]

    def questions(self) -> list[tuple[str, str]]:
        """(question, the right document's text): "textwrap fill" asks for what describes it."""
        step = max(1, len(self.documents) // QUESTIONS)
        return [
            (re.sub(r"[._]+", " ", document.id.rpartition(":")[0]).strip(), document.text)
            for document in self.documents[::step][:QUESTIONS]
        ]


def library(wanted: int) -> Library:
    """`wanted` docstrings, spread over the standard library."""
    return Library(tuple(spread_documents(documents(), wanted)))


def embed_questions(model: Embedder, questions: Sequence[tuple[str, str]]) -> np.ndarray:
    """The questions' vectors, for `count_hits`."""
    return np.asarray(model.embed([question for question, _ in questions]))


def count_hits(
    chroma: Chroma, info: CollectionInfo, questions: Sequence[tuple[str, str]], vectors: np.ndarray
) -> Hits:
    """How many questions find their right document, known by its text. Raises CallFailed.

    Not by its id: several records may hold one text.
    """
    first = ten = 0
    for start in range(0, len(questions), 100):
        group = questions[start : start + 100]
        raw = chroma.query(
            info,
            vectors[start : start + 100],
            n_results=NEAREST,
            include=("documents", "distances"),
        )
        for (_, right), nearest in zip(group, raw["documents"], strict=True):
            first += nearest[:1] == [right]
            ten += right in nearest
    return Hits(len(questions), first, ten)


def create_source_schema(
    connection: psycopg.Connection[Any], schema: str, content: Library
) -> None:
    """Create the schema, which must not exist, and in it the table `manual_content` with all of it."""
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
        for record, text, metadata in zip(
            content.ids, content.texts, content.metadatas, strict=True
        ):
            out.write_row((record, text, orjson.dumps(metadata).decode()))
    connection.commit()


def drop_source_schema(connection: psycopg.Connection[Any], schema: str) -> None:
    """Remove what `create_source_schema` created."""
    from psycopg import sql

    # the name has the run's in it, which is no bare SQL word
    connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    connection.commit()
