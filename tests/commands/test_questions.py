"""`chromadrill questions`: a first file from one's own records, and asking it as they change."""

import json
import stat

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.targets.safety.leftovers import new_run
from tests.conftest import KEY, fill, filled_server
from tests.front_door import enter
from tests.workload.wrong_answers import other_ids


@pytest.fixture(scope="module")
def asked_server(tmp_path_factory):
    """A server of its own: these tests change what it holds."""
    with filled_server(tmp_path_factory.mktemp("asked") / "home") as target:
        yield target


@pytest.fixture
def docs(asked_server):
    """The collection `docs` as `fill` makes it, anew."""
    with Chroma(asked_server.url) as chroma:
        if any(info.name == "docs" for info in chroma.collections(Scope())):
            chroma.delete_collection(Scope(), "docs")
        yield fill(chroma)


@pytest.fixture
def chroma(asked_server):
    with Chroma(asked_server.url) as client:
        yield client


@pytest.fixture
def file(asked_server, docs, tmp_path, capsys):
    """A first file of 20 questions about `docs`."""
    path = tmp_path / "questions.jsonl"
    made = enter(capsys, "questions", "sample", "--url", asked_server.url, "--output", path,
                 "--records", "20")  # fmt: skip
    assert (made.code, made.err) == (0, "")
    assert "20 questions about 1 collection" in made.out
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path, *questions):
    path.write_text("".join(json.dumps(question) + "\n" for question in questions))
    return path


def ask(capsys, server, path, *more):
    return enter(capsys, "questions", "ask", "--url", server.url, "--file", path, *more)


# ---- the first file -----------------------------------------------------------------------------
def test_first_file_holds_vectors_ids_answers_and_ranks_and_no_text(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    questions = lines(file)
    assert len(questions) == 20
    assert set(questions[0]) == {"collection", "vector", "right", "rank", "cosines", "answered"}
    assert all(question["collection"] == KEY and question["rank"] == 1 for question in questions)
    assert all(question["answered"][0] == question["right"][0] for question in questions)
    assert "document" not in file.read_text()


def test_a_file_that_is_there_is_not_replaced_unless_one_says_so(file, asked_server, capsys):
    again = ("questions", "sample", "--url", asked_server.url, "--output", file)
    assert enter(capsys, *again).code == 64
    assert enter(capsys, *again, "--replace").code == 0
    assert len(lines(file)) == 30


def test_a_database_without_records_makes_no_file(asked_server, tmp_path, capsys):
    output = tmp_path / "none.jsonl"
    made = enter(capsys, "questions", "sample", "--url", asked_server.url, "--output", output,
                 "--scope", "default_tenant/elsewhere")  # fmt: skip
    assert (made.code, output.exists()) == (2, False)
    assert "--scope TENANT/DATABASE" in made.err


def test_files_at_rest_are_sampled_and_asked_from_a_private_copy(
    asked_server, file, tmp_path, capsys
):
    output = tmp_path / "at-rest.jsonl"
    made = enter(capsys, "questions", "sample", "--path", asked_server.data, "--output", output,
                 "--records", "20", "--json")  # fmt: skip
    assert (made.code, made.answer["questions"], made.answer["left_out"]) == (0, 20, 0)
    asked = enter(capsys, "questions", "ask", "--path", asked_server.data, "--file", output)
    assert asked.code == 0


def test_collections_of_drills_and_unfinished_restores_are_no_source_of_questions(
    asked_server, file, chroma, tmp_path, capsys
):
    names = [f"drill-{new_run()}-writes", "chromadrill-import-x", "docs.rebuilding"]
    try:
        for name in names:
            fill(chroma, name)
        output = tmp_path / "theirs.jsonl"
        enter(capsys, "questions", "sample", "--url", asked_server.url, "--output", output)
    finally:
        for name in names:
            chroma.delete_collection(Scope(), name)
    assert {question["collection"] for question in lines(output)} == {KEY}


# ---- asked again --------------------------------------------------------------------------------
def test_the_same_database_finds_everything(asked_server, file, capsys):
    ended = ask(capsys, asked_server, file, "--json")
    figures = ended.answer["questions"]
    assert (ended.code, ended.outcomes) == (0, {"your questions": "pass"})
    assert (figures["hit_1_percent"], figures["hit_k_percent"]) == (100.0, 100.0)
    assert (figures["asked"], figures["states"]) == (20, {"found": 20})


def test_records_that_clients_removed_or_embedded_anew_are_no_loss(
    asked_server, docs, chroma, file, capsys
):
    removed, changed = (lines(file)[row]["right"] for row in (0, 1))
    chroma.delete(docs, removed)
    far = np.full((1, 8), 50, np.float32) * np.array([1, -1] * 4, np.float32)
    chroma.upsert(docs, ids=changed, vectors=far)

    ended = ask(capsys, asked_server, file, "--json")

    assert (ended.code, ended.outcomes) == (0, {"your questions": "pass"})
    assert ended.answer["questions"]["states"] == {"found": 18, "moved": 2}
    assert "is not there any more" in ended.answer["others"][0]["message"]
    assert "has another vector than was recorded" in ended.answer["others"][1]["message"]


def test_a_server_that_answers_other_records_fails(asked_server, file, capsys):
    with faulty_proxy(asked_server.url) as proxy:
        proxy.path_ends, proxy.alter = ("/query",), other_ids
        ended = ask(capsys, proxy, file)
    assert ended.code == 1
    assert "no search finds the right records of 20 questions (line 1: r0 of" in ended.out


def test_questions_that_others_outrank_fail_below_the_limit_and_not_above(
    asked_server, docs, chroma, file, capsys, tmp_path
):
    first, *others = lines(file)
    vector = [x + 0.1 for x in first["vector"]]  # r0 is the nearest of the records that were there
    first = {"collection": "docs", "vector": vector, "right": first["right"]}
    near = np.tile(np.array(vector, np.float32), (10, 1))
    chroma.upsert(docs, ids=[f"near-{n}" for n in range(10)], vectors=near)

    ended = ask(capsys, asked_server, write(tmp_path / "all.jsonl", first, *others), "--json")
    assert (ended.code, ended.answer["others"][0]["state"]) == (0, "outranked")
    assert ended.answer["verdicts"][0]["actual"] == 95.0
    assert ask(capsys, asked_server, write(tmp_path / "alone.jsonl", first)).code == 1


def test_right_ids_may_be_several_and_a_filter_narrows_the_search(
    asked_server, docs, capsys, tmp_path
):
    vector = [0.0] * 8
    questions = write(
        tmp_path / "own.jsonl",
        {"collection": "docs", "vector": vector, "right": ["r4", "gone"], "where": {"n": 4}},
        {"collection": "docs", "vector": vector, "right": ["r7"],
         "where_document": {"$contains": "number 7 "}},
        {"collection": "docs", "vector": vector, "right": ["r7"], "where": {"n": 4}},
    )  # fmt: skip
    ended = ask(capsys, asked_server, questions, "--json")
    assert ended.answer["questions"]["states"] == {"found": 2, "moved": 1}
    assert "does not pass the filter" in ended.answer["others"][0]["message"]


# ---- what cannot be asked -----------------------------------------------------------------------
def test_every_line_that_cannot_be_asked_is_named_with_why(asked_server, docs, capsys, tmp_path):
    path = tmp_path / "mixed.jsonl"
    write(
        path,
        {"collection": "docs", "vector": [0.0] * 8, "right": ["r4"], "where": {"n": 4}},
        {"collection": "none", "vector": [0.0] * 8, "right": ["r4"]},
        {"collection": "docs", "vector": [0.0] * 3, "right": ["r4"]},
    )
    with path.open("a") as out:
        out.write("\nno json\n")
    ended = ask(capsys, asked_server, path)
    assert ended.code == 2
    assert (
        "line 2        unasked    no collection default_tenant/default_database/none" in ended.out
    )
    assert f"line 3        unasked    the vector has 3 numbers, those of {KEY} have 8" in ended.out
    assert "line 5        unasked    no JSON" in ended.out


def test_a_filter_that_the_server_refuses_is_a_broken_line_and_no_failure_of_the_server(
    asked_server, docs, capsys, tmp_path
):
    question = {"collection": "docs", "vector": [0.0] * 8, "right": ["r4"]}
    path = write(tmp_path / "odd.jsonl", {**question, "where": {"n": {"$near": 4}}},
                 {**question, "where": {"n": 4}})  # fmt: skip
    ended = ask(capsys, asked_server, path)
    assert ended.code == 2
    assert "line 1        unasked    the server refuses the filter: " in ended.out


def test_a_file_about_other_collections_alone_is_not_run(asked_server, docs, capsys, tmp_path):
    path = write(tmp_path / "others.jsonl", {"collection": "none", "vector": [1], "right": ["a"]})
    ended = ask(capsys, asked_server, path, "--json")
    assert (ended.code, ended.outcomes) == (2, {"your questions": "not_run"})
    assert "holds no collection of others.jsonl (line 1" in ended.answer["verdicts"][0]["message"]


def test_a_question_in_words_without_an_embedder_is_not_run_and_says_what_to_install(
    asked_server, docs, capsys, tmp_path, monkeypatch
):
    monkeypatch.setenv("DRILL_EMBEDDING__DIRECTORY", str(tmp_path / "no-model"))
    path = write(tmp_path / "words.jsonl", {"collection": "docs", "text": "why?", "right": ["r1"]})
    ended = ask(capsys, asked_server, path)
    assert ended.code == 2
    assert "line 1        unasked    a question in words." in ended.out


def test_no_file_named_anywhere_is_a_usage_error_with_the_next_command(
    asked_server, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ended = enter(capsys, "questions", "ask", "--url", asked_server.url)
    assert ended.code == 64
    assert "chromadrill questions sample" in ended.err
    assert ask(capsys, asked_server, tmp_path / "none.jsonl").code == 2


# ---- recording ----------------------------------------------------------------------------------
def test_ones_own_questions_are_recorded_and_then_judged_by_what_they_had_found(
    asked_server, docs, capsys, tmp_path
):
    path = write(
        tmp_path / "own.jsonl",
        {"collection": "docs", "vector": [0.0] * 8, "right": ["r4"], "where": {"n": 4}, "note": "n"},
        *({"collection": "docs", "vector": [9.0 * (-1) ** n] * 8, "right": [f"r{n}"]}
          for n in range(30)),
    )  # fmt: skip
    assert ask(capsys, asked_server, path).code == 1  # most are simply not among the nearest

    recorded = tmp_path / "recorded.jsonl"
    ask(capsys, asked_server, path, "--output", recorded)
    assert lines(recorded)[0]["note"] == "n"
    assert lines(recorded)[0]["rank"] == 1
    again = ask(capsys, asked_server, recorded, "--json")
    assert again.code == 0
    assert again.answer["questions"]["not_judged"] > 10


def test_nothing_is_recorded_of_a_file_with_a_broken_line(asked_server, docs, capsys, tmp_path):
    path, recorded = tmp_path / "broken.jsonl", tmp_path / "recorded.jsonl"
    path.write_text("{}\n")
    ended = ask(capsys, asked_server, path, "--output", recorded)
    assert (ended.code, recorded.exists()) == (2, False)
    assert "line 1" in ended.err
    assert "Nothing was written" in ended.err
