"""Checks beside the reading: their findings keep one order, and nobody waits for those not wanted."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from chromadrill.chroma.at_rest import Store, checks_beside
from chromadrill.chroma.at_rest.checks_beside import ChecksBeside
from chromadrill.chroma.at_rest.database import Database
from chromadrill.chroma.at_rest.tables import TableQuestions
from chromadrill.chroma.fingerprint import at_rest
from tests.chroma.at_rest.servers import Server

NAMES = ("one", "three", "two")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("healthy") / "d"
    with Server(path) as server:
        for name in NAMES:
            server.do(
                server.create(name),
                "upsert",
                ids=["a", "b"],
                embeddings=[[1.0, 0.0], [0.0, 1.0]],
                documents=["alpha", "beta"],
                metadatas=[{"n": 1}, {"n": 2}],
            )
    return path


@pytest.fixture
def copy(healthy: Path, tmp_path: Path) -> Path:
    shutil.copytree(healthy, tmp_path / "d")
    return tmp_path / "d"


def test_what_is_found_beside_comes_in_the_order_of_the_checks(copy: Path) -> None:
    with sqlite3.connect(copy / "chroma.sqlite3") as connection:
        connection.execute("UPDATE embedding_metadata SET int_value = 'x' WHERE key = 'n'")
        connection.execute("UPDATE embedding_fulltext_search_content SET c0 = 'gamma'")
    errors = at_rest.observe(copy).read_errors
    assert errors[0].step == "integrity"
    structure = [error.where.rpartition("/")[2] for error in errors if error.step == "structure"]
    assert structure == sorted(structure)
    assert set(structure) == set(NAMES)
    assert [e.step for e in errors] == sorted(e.step for e in errors)


def test_a_question_about_all_rows_is_asked_once_whatever_the_number_of_collections(
    copy: Path,
) -> None:
    asked: list[str] = []
    with Store.open(copy) as store:
        segments = [store.segment(info, "METADATA") for info in store.collections()]
        questions = TableQuestions(store.db)
        store.db.connection.set_trace_callback(asked.append)
        for segment in segments:
            assert segment is not None
            assert questions.problems(segment) == []
        store.db.connection.set_trace_callback(None)
    of_all_rows = [sql for sql in asked if "segment_id" not in sql]
    assert of_all_rows
    assert len(of_all_rows) == len(set(of_all_rows))


def test_leaving_ends_a_check_that_runs(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running, endings = Event(), list[BaseException]()

    def endless(db: Database, directory: Path) -> list[str]:
        numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
        running.set()
        try:
            db.one(f"SELECT max(x) FROM ({numbers})")
        except BaseException as error:
            endings.append(error)
            raise
        return []

    monkeypatch.setattr(checks_beside, "integrity_problems", endless)

    def leave() -> None:
        with Store.open(copy) as store, ChecksBeside(store) as checks:
            checks.check(store.collections()[0], 2)
            assert running.wait(30)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert len(endings) == 1


def test_a_check_that_breaks_off_is_told_by_who_waits_for_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[str]:
        raise ValueError("nobody thought of it")

    monkeypatch.setattr(checks_beside, "integrity_problems", fail)
    errors = at_rest.observe(copy).read_errors
    assert [(error.step, error.reading) for error in errors] == [("integrity", False)]
    assert "nobody thought of it" in errors[0].message
