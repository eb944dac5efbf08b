"""A table and the collection made of it, compared by the command as a person types it."""

import json

import psycopg
import pytest

from chromadrill.commands import reconcile as command
from chromadrill.core.model import Scope
from chromadrill.embedding.identity import identity
from tests.commands.run import exit_code
from tests.recovery.rebuild.conftest import ROWS, chroma, chroma_home, database, table
from tests.recovery.reconcile.word_model import WordModel

__all__ = ["chroma", "chroma_home", "compare", "database", "store", "table"]


@pytest.fixture
def store(table):
    """The collection `docs` as a rebuild of its table by a quick model would leave it."""
    table.model = WordModel()
    info = table.chroma.create_collection(
        Scope(), "docs", hnsw={"space": "cosine"}, metadata=identity(table.model)
    )
    ids, texts, metadatas = (list(column) for column in zip(*ROWS, strict=True))
    table.chroma.upsert(
        info, ids=ids, vectors=table.model.embed(texts), documents=texts, metadatas=metadatas
    )
    return table


@pytest.fixture
def compare(store, monkeypatch, capsys, tmp_path):
    """Run `chromadrill reconcile --json`: (exit code, answer, lines of the output file)."""

    def run(*words, model=store.model):
        monkeypatch.setenv("DATABASE_URL", store.url)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(command.embedders, "load", lambda *_: model)
        written = tmp_path / "differences.jsonl"
        code = exit_code(
            "reconcile", "--collection-name", "docs", "--url", store.chroma.url, "--json",
            "--settle", "0", "--output-file", str(written), *words,
        )  # fmt: skip
        out = capsys.readouterr()
        lines = [json.loads(line) for line in written.read_text().splitlines()] if out.out else []
        return code, json.loads(out.out) if out.out else out.err, lines

    return run


@pytest.fixture
def writer(database):
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection
