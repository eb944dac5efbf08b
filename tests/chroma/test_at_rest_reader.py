"""The files at rest say what the server says, and a damaged directory is a sentence."""

import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from chromadrill.checks.content import came_over_the_api
from chromadrill.checks.suite import judge, judge_files, outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.chroma.fingerprint.reference_queries import choose
from chromadrill.core.clock import wait_until
from chromadrill.core.model import Outcome, Page, Scope
from chromadrill.drill.validate import validate
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data.edge_cases import COLLECTIONS, SCOPES, Seeder
from tests.commands.run import ROOT, script


@pytest.fixture(scope="module")
def edge_cases(tmp_path_factory):
    """A cold store with every trap in it, and its live fingerprint."""
    target = ProcessTarget(tmp_path_factory.mktemp("trapped") / "home", owner=os.getpid())
    target.start()
    seeder = Seeder(target.url)
    seeder.begin()
    seeder.finish()
    with Chroma(target.url) as chroma:
        before = live.fingerprint(chroma, SCOPES)
    target.stop()
    yield target.data, before
    target.remove()


def test_files_at_rest_equal_the_live_fingerprint_record_for_record(edge_cases):
    data, before = edge_cases
    verdicts = judge_files(at_rest.observe(data, like=before), before)
    assert outcome_of(verdicts) is Outcome.PASS, [v.message for v in verdicts]


def test_reference_queries_computed_at_rest_equal_those_computed_live(edge_cases):
    data, before = edge_cases
    observation = at_rest.observe(data, like=before).fingerprint
    for key, collection in before.collections.items():
        answers = observation.collections[key].answers
        kinds = [(answer.kind, answer.question) for answer in collection.answers]
        assert [(answer.kind, answer.question) for answer in answers] == kinds
        for one, other in zip(collection.answers, answers, strict=True):
            if one.kind in ("filter", "text"):
                assert tuple(one.expected) == tuple(other.expected)


@pytest.mark.slow
def test_directory_is_validated_by_the_script_and_served_on_a_copy(edge_cases, tmp_path):
    data, _ = edge_cases
    file = str(tmp_path / "f")
    fingerprinting = script("fingerprint_chromadb.py", "--path", str(data), "--output", file)
    assert fingerprinting.returncode == 0, fingerprinting.stderr
    validation = script("validate_chromadb.py", "--all", "--path", str(data), "--fingerprint",
                        file, "--serve", "--json")  # fmt: skip
    answer = json.loads(validation.stdout)

    assert validation.returncode == 0, [v for v in answer["verdicts"] if v["outcome"] != "pass"]
    names = {collection["name"] for collection in answer["collections"]}
    assert names == {collection.name for collection in COLLECTIONS}


@pytest.mark.slow
def test_no_room_for_a_private_copy_is_said_of_the_folder_not_of_the_store(edge_cases, tmp_path):
    """It was a FAIL once: 'integrity: File too large'."""
    data, _ = edge_cases
    limited = "ulimit -f 100; exec " + shlex.join(
        [sys.executable, "-m", "chromadrill", "validate", "--all", "--path", str(data)]
    )
    done = subprocess.run(["/bin/bash", "-c", limited], capture_output=True, text=True)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "does not fit in the temporary folder" in done.stderr
    assert "TMPDIR" in done.stderr


@pytest.mark.parametrize("state", ["missing", "empty", "not a database"])
def test_store_that_is_not_there_is_fail_given_a_fingerprint(edge_cases, tmp_path, state):
    _, before = edge_cases
    path = tmp_path / "data"
    if state != "missing":
        path.mkdir()
    if state == "not a database":
        (path / "chroma.sqlite3").write_bytes(b"hello" * 1000)
    verdicts = judge_files(at_rest.observe(path, like=before), before)
    assert outcome_of(verdicts) is Outcome.FAIL


def test_newer_format_is_unknown_and_never_a_guess(edge_cases, tmp_path):
    data, before = edge_cases
    shutil.copytree(data, tmp_path / "data")
    with sqlite3.connect(tmp_path / "data" / "chroma.sqlite3") as db:
        db.execute("UPDATE migrations SET version = 99 WHERE dir = 'sysdb' AND version = 10")
    observation = at_rest.observe(tmp_path / "data", like=before)
    assert any("newer than this reader knows" in e.message for e in observation.read_errors)
    assert outcome_of(judge_files(observation, before)) is not Outcome.PASS


@pytest.mark.slow
def test_collections_imported_via_the_api_pass_with_their_drift_reported(edge_cases, tmp_path):
    """Every id is new, and cosine vectors come back about an ulp off: no damage."""
    data, before = edge_cases
    source = ProcessTarget(tmp_path / "source", owner=os.getpid())
    copy = ProcessTarget(tmp_path / "copy", owner=os.getpid())
    try:
        shutil.copytree(data, source.data, dirs_exist_ok=True)
        source.start()
        copy.start()
        with Chroma(source.url) as old, Chroma(copy.url) as new:
            copy_via_api(old, new)
            observation = live.observe(new, like=before)
    finally:
        source.remove()
        copy.remove()
    by_api = came_over_the_api(observation.fingerprint, before)
    verdicts = judge(observation, before, imported=by_api)

    assert by_api == before.collections.keys()
    wrong = [v for v in verdicts if v.outcome is not Outcome.PASS]
    assert wrong == []
    assert any("largest drift of a vector" in v.message for v in verdicts)


def copy_via_api(old, new):
    """Read every collection via the API and write it to another server via the API."""
    for scope in SCOPES:
        if scope.tenant != "default_tenant":
            new.create_tenant(scope.tenant) if not new.tenant_exists(scope.tenant) else None
        if scope != Scope():
            new.create_database(scope)
        for info in old.collections(scope):
            hnsw = {k: v for k, v in info.configuration["hnsw"].items() if v is not None}
            copy = new.create_collection(
                scope,
                info.name,
                hnsw=hnsw,
                embedding_function=info.configuration["embedding_function"],
                metadata=info.metadata,
            )
            for page in old.pages(info):
                new.upsert(
                    copy,
                    ids=page.ids,
                    vectors=page.vectors,
                    documents=page.documents,
                    metadatas=page.metadatas,
                    uris=page.uris,
                )


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE embedding_metadata SET bool_value = 2 WHERE bool_value = 1",
        "UPDATE embedding_metadata SET int_value = 0.5 WHERE int_value = 1",
        "UPDATE embedding_metadata_array SET string_value = x'00' WHERE string_value IS NOT NULL",
    ],
)
def test_value_that_is_not_of_its_type_is_fail(edge_cases, tmp_path, statement):
    data, before = edge_cases
    shutil.copytree(data, tmp_path / "data")
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "chroma.sqlite3")) as db:
        assert db.execute(statement).rowcount
        db.commit()
    verdicts = judge_files(at_rest.observe(tmp_path / "data", like=before), before)
    assert outcome_of(verdicts) is Outcome.FAIL


@pytest.mark.slow
def test_terminated_validation_leaves_no_copy_behind(edge_cases, tmp_path):
    data, _ = edge_cases
    command = [sys.executable, str(ROOT / "scripts" / "validate_chromadb.py"), "--all", "--path",
               str(data), "--serve"]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    validation = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    wait_until(lambda: list(tmp_path.glob("chromadrill-served-*/home/state.json")), within_s=60,
               name="a served copy")  # fmt: skip
    validation.terminate()
    assert validation.wait(30) == 143
    assert list(tmp_path.glob("chromadrill-served-*")) == []


@pytest.mark.slow
def test_linked_segment_directories_are_copied_and_circles_are_not_followed(edge_cases, tmp_path):
    data, before = edge_cases
    shutil.copytree(data, tmp_path / "data")
    for folder in [path for path in (tmp_path / "data").iterdir() if path.is_dir()]:
        folder.rename(tmp_path / folder.name)
        folder.symlink_to(tmp_path / folder.name)
    (tmp_path / "data" / "circle").symlink_to(tmp_path / "data")
    verdicts = validate(tmp_path / "data", (), before, None, serve=True).verdicts
    assert outcome_of(verdicts) is Outcome.PASS, [v for v in verdicts if v.outcome != "pass"]


def test_words_of_a_probe_end_before_a_nul():
    page = Page(["a", "b"], ["ab\0cd", "xcd"], [None, None], [None, None], np.ones((2, 2), "f4"))
    questions = choose(page)
    assert all("\0" not in (question.text or "") for question in questions)
