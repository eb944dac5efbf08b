"""`chromadrill reconcile` on a real PostgreSQL and a real server: every kind of difference by name."""

import json
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

from chromadrill.checks.reconcile import Kind, Tally
from chromadrill.commands import collection_rebuild as rebuilding
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.recovery.reconcile.repair_plan import Typed, repair_plan
from chromadrill.recovery.reconcile.task import ReconcileResult, ReconcileTask
from tests.commands.run import ROOT, exit_code, run_command
from tests.recovery.reconcile.word_model import WordModel


def kinds_of(lines):
    return {line["id"]: line["kinds"] for line in lines}


def put(store, record, **columns):
    """Write one record beside the application."""
    store.chroma.upsert(
        store.collection(), ids=[record], **{key: [value] for key, value in columns.items()}
    )


def vector_of(store, record):
    raw = store.chroma.get(store.collection(), ids=[record], include=("embeddings",))
    return np.asarray(raw["embeddings"], np.float32)


def give_vectors(store, ids, vectors):
    """Only the vectors change: document and metadata stay."""
    raw = store.chroma.get(store.collection(), ids=ids, include=("documents", "metadatas"))
    rows = {record: row for row, record in enumerate(raw["ids"])}
    store.chroma.upsert(
        store.collection(),
        ids=ids,
        vectors=np.stack(vectors),
        documents=[raw["documents"][rows[record]] for record in ids],
        metadatas=[raw["metadatas"][rows[record]] for record in ids],
    )


def test_equal_collection_ends_with_0_and_says_how_many_vectors_were_judged(compare, store):
    code, answer, lines = compare()
    assert (code, answer["outcome"], lines, answer["plan"]) == (0, "pass", [], [])
    assert answer["rows"] == answer["collections"][0]["count"] == 60
    assert answer["vectors"] == {"records": 60, "remembered": 0, "embedded": 60, "unseen": 0}
    code, answer, _ = compare("--embed", "16")
    (judged,) = [v for v in answer["verdicts"] if v["check"] == "stored vectors"]
    assert code == 0
    assert "16 were embedded again; 44 are not judged" in judged["message"]
    assert "under 17.1% of them wrong, by 95 %" in judged["message"]


def test_every_kind_is_named_with_its_record(compare, store):
    fruit = WordModel("fruit")
    store.sql("insert into manual_content values ('new', 'not yet a record', null)")
    store.sql("delete from manual_content where id = 'r1'")
    store.sql("update manual_content set content = 'another text' where id = 'r2'")
    store.sql("update manual_content set metadata = '{\"n\": 3.0}' where id = 'r3'")
    give_vectors(store, ["r4"], vector_of(store, "r5"))
    give_vectors(store, ["r6"], fruit.embed(["document 6 about a"]))
    code, answer, lines = compare("--embed", "all")
    assert code == 1
    assert kinds_of(lines) == {
        "new": ["missing"],
        "r1": ["orphaned"],
        "r2": ["stale text"],
        "r3": ["stale metadata"],
        "r4": ["vector of another document"],
        "r6": ["vector of another model"],
    }
    (swapped,) = [line for line in lines if line["id"] == "r4"]
    assert swapped["vector_of"] == "r5"
    assert swapped["cosine"] < 0.9
    assert answer["differences"] == dict.fromkeys(
        ("missing", "orphaned", "stale text", "stale metadata", "vector of another document",
         "vector of another model"), 1,
    )  # fmt: skip


def test_text_that_was_changed_without_a_new_vector_is_another_documents(compare, store):
    raw = store.chroma.get(store.collection(), ids=["r7"], include=("embeddings", "metadatas"))
    text = "document 7 about something else altogether"
    put(
        store, "r7", vectors=np.asarray(raw["embeddings"][0], np.float32), documents=text,
        metadatas=raw["metadatas"][0],
    )  # fmt: skip
    store.sql("update manual_content set content = %s where id = 'r7'", [text])
    code, _, lines = compare("--embed", "all")
    assert (code, kinds_of(lines)) == (1, {"r7": ["vector of another document"]})


def test_memory_of_vectors_finds_swapped_ones_and_embeds_nothing_twice(compare, store):
    code, _, _ = compare("--embed", "all", "--memory", "vectors.arrow")
    assert code == 0
    before = store.model.embedded
    code, answer, _ = compare("--embed", "0", "--memory", "vectors.arrow")
    assert (code, store.model.embedded) == (0, before)
    assert answer["vectors"] == {"records": 60, "remembered": 60, "embedded": 0, "unseen": 0}

    one, other = vector_of(store, "r8"), vector_of(store, "r9")
    give_vectors(store, ["r8", "r9"], [other[0], one[0]])
    code, answer, lines = compare("--embed", "0", "--memory", "vectors.arrow")
    assert (code, kinds_of(lines)) == (
        1,
        {key: ["vector of another document"] for key in ("r8", "r9")},
    )
    assert {line["id"]: line["vector_of"] for line in lines} == {"r8": "r9", "r9": "r8"}
    assert store.model.embedded == before + 2

    code, answer, _ = compare("--memory", "vectors.arrow", model=WordModel("fruit"))
    assert code == 1
    assert "nothing of it counts" in answer["notes"][0]


def test_collection_of_another_model_is_one_sentence_and_made_anew_beside_it(compare, store):
    code, answer, _ = compare(model=WordModel("fruit"))
    (model,) = [v for v in answer["verdicts"] if v["check"] == "model of the vectors"]
    assert (code, model["outcome"]) == (1, "fail")
    assert "embedded by model of words" in model["message"]
    assert answer["differences"] == {"vector of another model": 60}
    assert "docs.other-model" in answer["plan"][-1]


def test_missing_collection_differs_and_is_named(compare, store):
    store.chroma.delete_collection(Scope(), "docs")
    code, answer, lines = compare()
    assert (code, len(lines)) == (1, 60)
    assert "no such collection. There are: none." in answer["notes"][0]


def test_what_cannot_be_compared_ends_with_2(compare, store):
    store.sql("update manual_content set content = null where id = 'r3'")
    code, message, _ = compare()
    assert (code, "no content: r3" in message) == (2, True)
    store.sql("truncate manual_content")
    code, message, _ = compare()
    assert (code, "no rows" in message) == (2, True)


def test_plan_for_orphans_is_a_request_that_deletes_them(compare, store):
    store.sql("delete from manual_content where id in ('r1', 'r2')")
    code, answer, lines = compare()
    assert (code, len(lines)) == (1, 2)
    (curl,) = [line for line in answer["plan"] if line.startswith("curl ")]
    subprocess.run(shlex.split(curl), check=True, capture_output=True, timeout=60)
    assert compare()[0] == 0


def test_plan_for_every_kind_is_a_rebuild_that_makes_only_the_wrong_vectors_anew(
    compare, store, monkeypatch, capsys
):
    """The commands of the plan are run as they are printed, and then both sides are equal."""
    store.sql("insert into manual_content values ('new', 'not yet a record', null)")
    store.sql("delete from manual_content where id = 'r1'")
    store.sql("update manual_content set content = 'another text' where id = 'r2'")
    store.sql("update manual_content set metadata = '{\"n\": 3.0}' where id = 'r3'")
    give_vectors(store, ["r4"], vector_of(store, "r5"))
    code, answer, lines = compare("--embed", "all")
    assert (code, len(lines)) == (1, 5)
    assert not list(Path().glob("*.delete.json"))
    (command,) = [line for line in answer["plan"] if line.startswith("chromadrill ")]
    monkeypatch.setattr(rebuilding.embedders, "load", lambda *_: store.model)
    store.model.embedded = 0
    assert exit_code(*shlex.split(command)[1:], "--json") == 0
    rebuilt = json.loads(capsys.readouterr().out)
    assert rebuilt["embedded"] == 3  # new, r2, and r4
    code, answer, _ = compare("--embed", "all")
    assert (code, answer["differences"]) == (0, {})


def test_plan_for_another_model_makes_the_collection_beside_it(compare, store, monkeypatch, capsys):
    fruit = WordModel("fruit")
    _, answer, _ = compare(model=fruit)
    (command,) = [line for line in answer["plan"] if line.startswith("chromadrill ")]
    monkeypatch.setattr(rebuilding.embedders, "load", lambda *_: fruit)
    assert exit_code(*shlex.split(command)[1:]) == 0, capsys.readouterr()
    assert sorted(store.names()) == ["docs", "docs.other-model"]


def test_plan_after_a_sample_with_wrong_vectors_looks_at_all_or_makes_all_anew(compare, store):
    ids = [f"r{n}" for n in range(60)]
    give_vectors(store, ids[:20], WordModel("fruit").embed(["x y z"] * 20))
    _, answer, _ = compare("--embed", "40")
    assert any("--embed all --output-file" in line for line in answer["plan"]), answer["plan"]
    give_vectors(store, ids, WordModel("fruit").embed(["x y z"] * 60))
    _, answer, _ = compare("--embed", "20")
    assert "chromadrill regenerate --source manual_content" in answer["plan"][-1]


def test_service_that_fails_midway_leaves_the_rows_judged(compare, store):
    class Failing(WordModel):
        def embed(self, texts):
            if self.embedded:
                raise Unavailable("The service answers 500.")
            return super().embed(texts)

    store.sql("delete from manual_content where id = 'r1'")
    code, answer, lines = compare("--embed", "all", model=Failing())
    outcomes = {verdict["check"]: verdict["outcome"] for verdict in answer["verdicts"]}
    assert (code, kinds_of(lines)) == (1, {"r1": ["orphaned"]})
    assert outcomes["stored vectors"] == "unknown"


def test_plan_without_an_output_file_embeds_everything(compare, store, monkeypatch, capsys):
    give_vectors(store, ["r4"], vector_of(store, "r5"))
    plan = repair_plan(
        ReconcileTask(Scope(), "docs"),
        ReconcileResult(None, tally=Tally({Kind.OTHER_DOCUMENT: 1}, {Kind.OTHER_DOCUMENT: ["r4"]})),
        Typed(store.chroma.url, "manual_content"),
    )
    monkeypatch.setattr(rebuilding.embedders, "load", lambda *_: store.model)
    monkeypatch.setenv("DATABASE_URL", store.url)
    assert exit_code(*shlex.split(plan[-1])[1:]) == 0, capsys.readouterr()
    capsys.readouterr()
    assert compare("--embed", "all")[0] == 0


def test_many_orphans_are_deleted_by_a_file(compare, store):
    store.sql("delete from manual_content where id <> 'r1'")
    code, answer, lines = compare()
    (curl,) = [line for line in answer["plan"] if line.startswith("curl ")]
    assert (code, len(lines), ".delete.json" in curl) == (1, 59, True)
    subprocess.run(shlex.split(curl), check=True, capture_output=True, timeout=60)
    assert compare()[0] == 0


@pytest.mark.slow
def test_embedder_of_the_users_own_is_asked_from_the_settings(store, tmp_path):
    give_vectors(store, ["r4"], vector_of(store, "r5"))
    ran = run_command(
        "reconcile", "--url", store.chroma.url, "--embed", "all", "--settle", "0",
        "--collection-name", "docs", cwd=ROOT,
        environment={
            "DATABASE_URL": store.url,
            "DRILL_EMBEDDING__FUNCTION": f"{WordModel.__module__}:{WordModel.__name__}",
        },
    )  # fmt: skip
    assert ran.returncode == 1, ran.stderr
    assert "1 vector of another document: r4 (r4 has the vector of r5)" in ran.stdout
    assert "chromadrill regenerate --source manual_content" in ran.stdout


def test_floats_that_the_server_moves_by_an_ulp_are_no_difference(compare, store):
    """Neither for a rebuild, which would never be proven."""
    store.sql("select setseed(0.5)")
    store.sql("update manual_content set metadata = jsonb_build_object('f', random()::float8)")
    rebuilt = store.rebuild()
    assert [v.outcome for v in rebuilt.verdicts if v.check == "source rows"] == ["pass"]
    in_store = [metadata["f"] for _, metadata in store.records().values()]
    in_source = [f for (f,) in store.sql("select (metadata->>'f')::float8 from manual_content")]
    assert sorted(in_store) != sorted(in_source)
    assert compare()[0] == 0
    store.sql("update manual_content set metadata = '{\"f\": 0.1000000001}' where id = 'r1'")
    assert kinds_of(compare()[2]) == {"r1": ["stale metadata"]}


def test_rows_that_are_split_are_compared_record_by_record(compare, store, tmp_path, monkeypatch):
    (tmp_path / "halves.py").write_text(
        "def split(row):\n    return [row['content'], row['content'].upper()]\n"
    )
    monkeypatch.setenv("DRILL_SOURCE__SPLIT", "halves:split")
    code, answer, lines = compare()
    assert (code, answer["differences"]) == (1, {"missing": 120, "orphaned": 60})
    ids = [f"{record}:{n}" for record in store.records() for n in (0, 1)]
    texts = [text for text, _ in store.records().values()]
    store.chroma.upsert(
        store.collection(),
        ids=ids,
        vectors=store.model.embed([t for text in texts for t in (text, text.upper())]),
        documents=[t for text in texts for t in (text, text.upper())],
        metadatas=[metadata for _, metadata in store.records().values() for _ in (0, 1)],
    )
    store.chroma.delete(store.collection(), [f"r{n}" for n in range(60)])
    code, answer, lines = compare()
    assert (code, lines) == (0, []), answer


def test_file_that_is_none_of_ours_is_a_usage_error(compare, store, tmp_path, capsys):
    (tmp_path / "other.txt").write_text("r1\n")
    for name, problem in (("other.txt", "other.txt:1 is no line"), ("none", "cannot be read")):
        code = exit_code(
            "rebuild", "--from-postgresql", "--url", store.chroma.url, "--collection-name", "docs",
            "--embed-again", str(tmp_path / name),
        )  # fmt: skip
        assert (code, problem in capsys.readouterr().err) == (64, True)
