"""`[questions]` is asked wherever a server is judged: gate, proofs, latency, load, monitor."""

import json
import os
import shutil

import numpy as np
import pytest

from chromadrill.checks.registry import plain_name
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.settings import Settings
from chromadrill.core.settings.schema import Questions
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.drill.scenario import Drill
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.embedding import minilm
from chromadrill.embedding.weights import FETCH
from chromadrill.evidence.ledger import Ledger
from chromadrill.monitoring import samples
from chromadrill.monitoring.http_collector import HttpCollector
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.load.plan import AnswersWrong, build_requests, choose_questions
from chromadrill.workload.load.profiles import PROFILES
from chromadrill.workload.queries.configured_questions import configured_questions
from tests.commands.run import drill
from tests.conftest import fill
from tests.front_door import enter
from tests.workload.wrong_answers import other_ids


@pytest.fixture(scope="module")
def questions_file(server, tmp_path_factory):
    """Questions about the module's server: ten own vectors, and one with a filter."""
    path = tmp_path_factory.mktemp("questions") / "questions.jsonl"
    with Chroma(server.url) as chroma:
        page = chroma.page(chroma.collection(Scope(), "docs"), limit=10, offset=0)
    lines = [
        {"collection": "docs", "vector": [round(float(x), 4) for x in vector], "right": [record]}
        for record, vector in zip(page.ids, page.vectors, strict=True)
    ]
    lines.append({"collection": "docs", "vector": [0.0] * 8, "right": ["r4"], "where": {"n": 4}})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def own(questions_file):
    return configured_questions(Settings(questions=Questions(file=str(questions_file))))


@pytest.fixture
def chroma(server):
    with Chroma(server.url) as client:
        yield client


def other_file(tmp_path, **line):
    path = tmp_path / "others.jsonl"
    path.write_text(json.dumps({"collection": "none", "vector": [1], "right": ["a"], **line}))
    return configured_questions(Settings(questions=Questions(file=str(path))))


# ---- validate --serve ---------------------------------------------------------------------------
@pytest.mark.slow
def test_served_copy_is_asked_before_and_after_its_restart(
    server, questions_file, tmp_path, capsys, monkeypatch
):
    copy = tmp_path / "copy"
    shutil.copytree(server.data, copy)
    (tmp_path / "drill.toml").write_text(f'[questions]\nfile = "{questions_file}"\n')
    monkeypatch.chdir(tmp_path)
    ended = enter(capsys, "validate", "--path", copy, "--all", "--serve", "--json")
    asked = {
        check: outcome
        for check, outcome in ended.outcomes.items()
        if plain_name(check) == "your questions"
    }
    assert (ended.code, asked) == (
        0, {"your questions (served)": "pass", "your questions (restarted)": "pass"},
    )  # fmt: skip


# ---- the proof of a drill -----------------------------------------------------------------------
@pytest.mark.slow
def test_every_proof_asks_twice_and_a_target_without_those_collections_is_not_run(tmp_path, own):
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    log = ScenarioLog("scenario", Ledger(tmp_path / "evidence.jsonl"))
    try:
        target.start()
        with Chroma(target.url) as chroma:
            fill(chroma)
            before = live.fingerprint(chroma, [Scope()])
        Drill(target, log, questions=own).prove(before)
        Drill(target, log, questions=other_file(tmp_path)).prove(before)
    finally:
        target.remove()
    asked = [v.outcome for v in log.verdicts if plain_name(v.check) == "your questions"]
    assert asked == [Outcome.PASS] * 2 + [Outcome.NOT_RUN] * 2


# ---- load ---------------------------------------------------------------------------------------
def test_load_asks_them_with_their_filters(chroma, own):
    chosen = choose_questions(chroma, [Scope()], own)
    assert chosen.source == "your questions of questions.jsonl"
    assert [verdict.check for verdict in chosen.verdicts] == ["your questions"]
    assert len(chosen.right) == 11
    requests = build_requests(chroma, PROFILES["smoke"], chosen.right, None)
    filtered = [json.loads(one.body) for one in requests if "where" in json.loads(one.body)]
    assert [body["where"] for body in filtered] == [{"n": 4}]


def test_load_asks_records_where_the_server_holds_none_of_their_collections(chroma, tmp_path):
    chosen = choose_questions(chroma, [Scope()], other_file(tmp_path))
    assert "own records" in chosen.source
    assert [str(verdict.outcome) for verdict in chosen.verdicts] == ["pass", "not_run"]


def test_load_does_not_begin_where_they_are_answered_wrong(server, own):
    with faulty_proxy(server.url) as proxy, Chroma(proxy.url) as client:
        proxy.path_ends, proxy.alter = ("/query",), other_ids
        with pytest.raises(AnswersWrong, match="your questions"):
            choose_questions(client, [Scope()], own)


# ---- the monitor --------------------------------------------------------------------------------
class Clock:
    at = 0.0

    def __call__(self):
        return self.at


def look(collector):
    return {one.signal: one for one in collector.collect(Clock())}


def test_monitor_asks_them_and_sees_when_they_are_answered_wrong(server, own):
    with faulty_proxy(server.url) as proxy:
        collector = HttpCollector(proxy.url, [Scope()], 10, questions=own)
        assert look(collector)[samples.ANSWERS].value == 1
        proxy.path_ends, proxy.alter = ("/query",), other_ids
        assert look(collector)[samples.ANSWERS].value == 0
        fresh = HttpCollector(proxy.url, [Scope("default_tenant", "none")], 10, questions=own)
        assert "your questions" in look(fresh)[samples.ANSWERS].detail


def test_monitor_says_once_what_cannot_be_asked_and_watches_on(server, tmp_path):
    notes = []
    collector = HttpCollector(
        server.url, [Scope()], 10, questions=other_file(tmp_path), note=notes.append
    )
    for _ in range(3):
        assert look(collector)[samples.ANSWERS].value == 1
    assert len(notes) == 1
    assert "line 1: no collection default_tenant/default_database/none" in notes[0]


# ---- files --------------------------------------------------------------------------------------
def test_a_file_that_is_not_there_is_unknown_and_blames_no_server(chroma, tmp_path):
    gone = configured_questions(Settings(questions=Questions(file=str(tmp_path / "none.jsonl"))))
    (verdict,) = gone.verdicts(chroma)
    assert (verdict.outcome, verdict.check) == (Outcome.UNKNOWN, "your questions")
    assert "questions sample" in verdict.message
    with pytest.raises(Unavailable):
        gone.right_now(chroma)


def test_without_a_file_nothing_is_asked():
    assert configured_questions(Settings()) is None


# ---- words --------------------------------------------------------------------------------------
class Model:
    """Embeds a text of N words as the vector of record rN. `texts`: all that it was given."""

    def __init__(self, chroma):
        page = chroma.page(chroma.collection(Scope(), "docs"), limit=30, offset=0)
        self.vectors = dict(zip(page.ids, page.vectors, strict=True))
        self.texts = []

    def embed(self, texts):
        self.texts += texts
        return np.array([self.vectors[f"r{len(text.split())}"] for text in texts])


def test_words_are_embedded_once_and_asked_before_and_after_a_restart(
    chroma, tmp_path, monkeypatch
):
    model = Model(chroma)
    monkeypatch.setattr(minilm, "load", lambda *_, **__: model)
    file = other_file(tmp_path, collection="docs", text="three words here", vector=None,
                      right=["r3"])  # fmt: skip
    outcomes = [verdict.outcome for _ in range(2) for verdict in file.verdicts(chroma)]
    assert outcomes == [Outcome.PASS] * 2
    assert model.texts == ["three words here"]
    (question,) = file.right_now(chroma).right
    assert (question.record, question.document) == ("r3", "document number 3 about bbbbb")


def test_words_without_an_embedder_are_not_run_and_the_line_is_named(chroma, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise Unavailable("/models holds no model.safetensors.", next_step=FETCH)

    monkeypatch.setattr(minilm, "load", refuse)
    file = other_file(tmp_path, collection="docs", text="why", vector=None)
    (verdict,) = file.verdicts(chroma)
    assert verdict.outcome is Outcome.NOT_RUN
    assert "line 1: a question in words. /models holds no model.safetensors." in verdict.message


# ---- the suites ---------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize(
    ("mark", "scenario", "check"),
    [
        ("gate", "healthy", "your questions"),
        ("latency", "your_questions", "question p90"),
    ],
)
def test_gate_and_latency_ask_them_of_a_running_server(
    server, questions_file, tmp_path, mark, scenario, check
):
    ran = drill(
        "-m", mark, "-k", scenario, "--target", server.url, "-p", "no:cacheprovider",
        reports=tmp_path, DRILL_QUESTIONS__FILE=str(questions_file), DRILL_MIN_RECORDS="10",
        DRILL_OBJECTIVES__SEARCH_SAMPLES="30",
    )  # fmt: skip
    (record,) = tmp_path.glob("2*/drill.json")
    verdicts = {v["check"]: v for s in json.loads(record.read_text())["scenarios"]
                for v in s["verdicts"]}  # fmt: skip
    assert verdicts["your questions"]["outcome"] == "pass", ran.stdout
    assert verdicts[check]["outcome"] == "pass", ran.stdout
