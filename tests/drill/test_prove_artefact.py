"""The proof of one artefact: what a fetch leaves behind, what is timed, noted and remembered."""

import json
import sqlite3
import tarfile

import pytest

from chromadrill.core.model import Outcome
from chromadrill.core.settings import load
from chromadrill.drill.backup_selection import select
from chromadrill.drill.prove import ArtefactProof
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.evidence.ledger import Ledger, read


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(here):
    folder = here / "store" / "chroma"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "chroma.sqlite3") as db:
        db.execute("create table t(a)")
    return folder


@pytest.fixture
def proof_of(here):
    """A proof of the newest backup of a `[backups.production]` with these settings."""

    def make(**table):
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        (here / "drill.toml").write_text("\n".join(["[backups.production]", *lines]))
        settings = load()
        selection = select(settings, "production")
        (here / "scratch").mkdir(exist_ok=True)
        log = ScenarioLog("scenario", Ledger(here / "evidence.jsonl"))
        return ArtefactProof(
            log, selection, selection.picked[0], settings, scratch=here / "scratch", run_id="run-1"
        )

    return make


def notes(here, event):
    return [row for row in read(here / "evidence.jsonl") if row["event"] == event]


def command(fetch):
    return {"source": "command", "list": "echo night-1 2026-11-29T02:00:00Z 7", "fetch": fetch}


def verdicts(proof):
    return {verdict.check: verdict for verdict in proof._log.verdicts}


@pytest.mark.parametrize(
    "fetch",
    [
        "sh -c 'exit 3' {id} {into}",
        "touch {into}/{id}",
        "sh -c 'touch {into}/../x; touch {into}/y' {id}",
        "sh -c 'head -c 5000 /dev/urandom > {into}/{id}.tar.gz'",
        "no-such-tool {id} {into}",
    ],
)
def test_backup_that_cannot_be_had_is_unknown_and_leaves_nothing(here, proof_of, fetch):
    proof = proof_of(**command(fetch))
    assert proof.fetch() is False
    proof.remember()
    proof.close()
    assert verdicts(proof)["fetch"].outcome is Outcome.UNKNOWN
    assert not any((here / "scratch").iterdir())
    (row,) = [json.loads(line) for line in (here / ".chromadrill/proven.jsonl").open()]
    assert (row["artefact"], row["outcome"], row["digest"]) == ("night-1", "unknown", "")
    (note,) = notes(here, "backup")
    assert (note["source"], note["artefact"]) == ("production", "night-1")


def test_fetched_backup_is_timed_and_its_facts_are_those_of_the_source(here, store, proof_of):
    proof = proof_of(**command(f"cp -r {store} {{into}}/{{id}}"))
    assert proof.fetch()
    assert list(proof.clock.seconds) == ["fetched"]
    assert proof.existing.data.is_relative_to(here / "scratch")
    (note,) = notes(here, "backup")
    assert note["created_at"] == "2026-11-29T02:00:00.000Z"
    assert note["bytes"] == (store / "chroma.sqlite3").stat().st_size
    (note,) = notes(here, "source")
    assert note["artefacts"] == [
        {
            "id": "night-1",
            "created_at": "2026-11-29T02:00:00.000Z",
            "bytes": 7,
            "proven_at": None,
            "outcome": None,
            "coverage": None,
        }
    ]
    proof.compare_original()
    assert verdicts(proof)["original"].outcome is Outcome.NOT_RUN


def test_backup_in_a_folder_stays_there_and_what_is_timed_is_its_copying(here, store, proof_of):
    proof = proof_of(source=str(store.parent))
    assert proof.fetch()
    assert proof.existing.data == store
    assert proof.clock.seconds == {}
    assert proof.clock.left_out == set()
    proof.compare_original()
    assert verdicts(proof)["original"].outcome is Outcome.PASS


def test_archive_is_unpacked_on_the_clock(here, store, proof_of):
    (here / "tars").mkdir()
    with tarfile.open(here / "tars" / "night.tar.gz", "w:gz") as tar:
        tar.add(store, arcname="chroma")
    proof = proof_of(source="tars")
    assert proof.fetch()
    assert list(proof.clock.seconds) == ["unpacked"]
    assert proof.clock.left_out == {"copied"}


def test_original_that_changed_while_it_was_proven_is_a_failure(here, store, proof_of):
    proof = proof_of(source=str(store.parent))
    assert proof.fetch()
    with (store / "chroma.sqlite3").open("ab") as file:
        file.write(b"x")
    proof.compare_original()
    assert verdicts(proof)["original"].outcome is Outcome.FAIL


def test_backup_that_is_larger_than_the_disk_is_not_fetched(here, proof_of):
    huge = f"echo night-1 2026-11-29T02:00:00Z {10**16}"
    proof = proof_of(source="command", list=huge, fetch="sh -c 'touch came' {id} {into}")
    assert proof.fetch() is False
    assert "No room" in verdicts(proof)["fetch"].message
    assert not (here / "came").exists()


def test_limits_are_those_of_the_environment_of_its_target(here, store, proof_of, monkeypatch):
    monkeypatch.setenv("DRILL_ENVIRONMENTS__PRODUCTION__URL", "http://production.example:8000")
    proof = proof_of(source=str(store.parent), target="http://production.example:8000/")
    assert proof._objectives.rb2_recovery_s == 300
    with (here / "drill.toml").open("a") as file:
        file.write("\n[environments.production.objectives]\nrb2_recovery_s = 7\n")
    limited = ArtefactProof(
        proof._log, proof._selection, proof._artefact, load(),
        scratch=here / "scratch", run_id="run-1",
    )  # fmt: skip
    assert limited._objectives.rb2_recovery_s == 7
    assert limited.fetch()
    (note,) = notes(here, "backup")
    assert note["production_origin"] is True
