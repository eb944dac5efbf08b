"""`chromadrill posture` of your own sources: each backup with the last try to prove it."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.backups.posture.tried import TriedArtefact
from chromadrill.backups.proven import ProvenEntry, ProvenLog
from chromadrill.commands.app import invoke
from chromadrill.core.clock import time_text
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Artefact, Outcome

SOURCE = '[backups.production]\nsource = "backups"\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a drill.toml and three nightly backups, the newest one hour old."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drill.toml").write_text(SOURCE)
    for n in range(3):
        folder = tmp_path / "backups" / f"night-{n}"
        folder.mkdir(parents=True)
        database = folder / "chroma.sqlite3"
        database.write_bytes(b"x" * (100_000 + n))
        moment = made(n).timestamp()
        os.utime(database, (moment, moment))
    return tmp_path


def made(n):
    """When the backup n was made: an hour and n days ago."""
    return (datetime.now(UTC) - timedelta(days=n, hours=1)).replace(microsecond=0)


def tried(place, n, outcome=Outcome.PASS, days=2.0, **changes):
    log = ProvenLog(place / ".chromadrill" / "proven.jsonl")
    ended = time_text(datetime.now(UTC) - timedelta(days=days))
    fields = {"digest": f"d{n}", "coverage": 0.956, "recovery_s": 41.5, "run": "r1", **changes}
    log.add(ProvenEntry("production", f"night-{n}", outcome=outcome, proven_at=ended, **fields))


def posture(capsys, *args):
    code = invoke(["posture", *args])
    return code, capsys.readouterr().out


def row(output, name):
    return next(" ".join(line.split()) for line in output.splitlines() if f" {name} " in line)


def test_each_backup_is_listed_with_its_last_try(place, capsys):
    tried(place, 1)
    tried(place, 2, Outcome.FAIL, days=3)
    _, output = posture(capsys)
    assert "production: the folder backups, 3 backups" in output
    assert row(output, "night-0").endswith("100 kB never")
    assert row(output, "night-1").endswith("proven 2 days ago, 95.6 %")
    assert row(output, "night-2").endswith("NOT PROVEN, 3 days ago")


def test_the_last_proof_is_judged_with_its_own_recovery_time(place, capsys):
    tried(place, 1)
    _, output = posture(capsys, "--json")
    answer = json.loads(output)
    verdicts = {v["check"]: v for v in answer["verdicts"]}
    assert verdicts["proof"]["outcome"] == "pass"
    assert verdicts["restore in time"]["outcome"] == "pass"
    assert "41.5 s of 300 s" in verdicts["restore in time"]["message"]
    (source,) = answer["sources"]
    assert source["name"] == "production"
    assert [a["outcome"] for a in source["artefacts"]] == [None, "pass", None]
    assert source["artefacts"][1]["coverage"] == 0.956


def test_the_time_of_a_restore_is_of_one_backup_and_names_those_of_its_run_that_failed(
    place, capsys
):
    tried(place, 1)
    tried(place, 2, Outcome.FAIL)
    tried(place, 0, Outcome.FAIL, run="another")
    _, output = posture(capsys, "--json")
    (timed,) = [v for v in json.loads(output)["verdicts"] if v["check"] == "restore in time"]
    assert "41.5 s of 300 s, night-1 in run r1" in timed["message"]
    assert timed["message"].endswith("; not proven in that run: night-2")


def test_a_source_that_was_never_proven_is_unknown_and_says_what_to_type(place, capsys):
    code, output = posture(capsys)
    assert code != 0
    assert "no backup of production is proven: chromadrill prove production" in output
    assert "no restore of production was timed: chromadrill prove production" in output


def test_a_proof_that_is_too_old_is_unknown(place, capsys):
    tried(place, 1, days=36)
    _, output = posture(capsys)
    assert "last proven 36.0 days ago, 35.0 allowed: chromadrill prove production" in output


def test_a_newest_try_that_failed_is_a_fail(place, capsys):
    tried(place, 1)
    tried(place, 0, Outcome.FAIL, days=0)
    code, output = posture(capsys)
    assert code == 1
    assert "night-0, the newest that was tried, is NOT PROVEN" in output


def proof_of(capsys):
    _, output = posture(capsys, "--json")
    answer = json.loads(output)
    verdict = next(v for v in answer["verdicts"] if v["check"] == "proof")
    return verdict["outcome"], verdict["message"], answer["sources"][0]["artefacts"]


@pytest.mark.parametrize("digest", ["", "d0", "d9"])
def test_a_try_that_could_not_tell_makes_no_failure_green(place, capsys, digest):
    tried(place, 2, days=4)
    tried(place, 0, Outcome.FAIL, days=1)
    tried(place, 0, Outcome.UNKNOWN, days=0, digest=digest)
    outcome, message, artefacts = proof_of(capsys)
    assert (outcome, artefacts[0]["outcome"]) == ("fail", "fail")
    assert "night-0, the newest that was tried, is NOT PROVEN" in message


def test_a_newer_backup_that_could_not_be_told_hides_no_failure_before_it(place, capsys):
    tried(place, 2, days=4)
    tried(place, 1, Outcome.FAIL, days=1)
    tried(place, 0, Outcome.UNKNOWN, days=0)
    outcome, message, _ = proof_of(capsys)
    assert outcome == "fail"
    assert (
        "night-1 is NOT PROVEN, and the try of night-0, which is newer, could not tell" in message
    )


@pytest.mark.parametrize("digest", ["", "d1"])
def test_a_try_that_this_machine_broke_takes_no_proof_back_and_is_named(place, capsys, digest):
    tried(place, 1)
    tried(place, 1, Outcome.UNKNOWN, days=0, digest=digest)  # no room, a password
    outcome, _, artefacts = proof_of(capsys)
    assert outcome == "pass"
    assert (artefacts[1]["outcome"], artefacts[1]["coverage"]) == ("pass", 0.956)
    assert artefacts[1]["unknown_at"] > artefacts[1]["proven_at"]
    _, output = posture(capsys)
    line = row(output, "night-1")
    assert line.endswith("proven 2 days ago, 95.6 %; a try just now could not tell")


def test_another_content_that_could_not_be_told_is_not_proven_by_the_first(place, capsys):
    tried(place, 1)
    tried(place, 1, Outcome.UNKNOWN, days=0, digest="rotten")
    outcome, _, artefacts = proof_of(capsys)
    assert (outcome, artefacts[1]["outcome"]) == ("unknown", "unknown")


def test_another_backup_under_the_same_name_was_never_tried(place, capsys):
    tried(place, 0, created_at=time_text(made(5)))
    _, output = posture(capsys)
    assert row(output, "night-0").endswith("never")


def test_several_sources_are_told_apart(place, capsys):
    (place / "drill.toml").write_text(f'{SOURCE}[backups.archive]\nsource = "archive"\n')
    (place / "archive").mkdir()
    _, output = posture(capsys)
    assert "newest backup (archive)" in output
    assert "archive: the folder archive, 0 backups" in output
    _, output = posture(capsys, "--store", "production")
    assert "archive" not in output


def test_the_sources_of_a_target_are_meant_where_it_is_named(place, capsys):
    (place / "drill.toml").write_text(
        f'{SOURCE}target = "prod"\n[targets.prod]\nurl = "http://127.0.0.1:9"\n'
        "[backups.other]\nsource = 'other'\n"
    )
    _, output = posture(capsys, "--target", "prod")
    assert "production: the folder backups" in output
    assert "other" not in output


def test_how_old_a_backup_may_be_is_that_of_its_table(place, capsys):
    (place / "drill.toml").write_text(f"{SOURCE}stale_after_s = 60\n")
    code, output = posture(capsys)
    assert code == 1
    assert "1.0 h old, 0.0 h allowed" in output


def test_a_source_that_is_not_there_could_not_be_checked(place):
    (place / "drill.toml").write_text('[backups.production]\nsource = "gone"\n')
    with pytest.raises(Unavailable, match="there is no such folder"):
        invoke(["posture"])


def test_a_long_list_is_cut_and_json_has_all_of_it(place, capsys):
    for n in range(3, 40):
        folder = place / "backups" / f"night-{n}"
        folder.mkdir()
        (folder / "chroma.sqlite3").write_bytes(b"x")
    _, output = posture(capsys)
    assert "and 10 older ones (all of them: --json)" in output


def test_a_size_that_the_source_does_not_say_is_that_of_the_last_try():
    artefact = Artefact("a", time_text(made(0)), None, "restic")
    entry = ProvenEntry("p", "a", "d", Outcome.PASS, time_text(made(0)), bytes=1200)
    assert TriedArtefact(artefact, entry).facts()["bytes"] == 1200
    assert TriedArtefact(artefact, None).facts()["bytes"] is None


@pytest.mark.parametrize(
    ("taken", "outcome", "words"),
    [
        ("running", "FAIL", "UNSAFE: of a running server"),
        ("flushed", "PASS", "a flusher runs beside the server"),
        ("frozen", "PASS", "the file system is frozen"),
        ("stopped", "PASS", "the server is stopped"),
        (None, "", "nobody says how it is taken"),
    ],
)
def test_the_way_that_a_backup_is_taken_is_judged(place, capsys, taken, outcome, words):
    said = f'taken = "{taken}"\n' if taken else ""
    (place / "drill.toml").write_text(f"{SOURCE}{said}")
    _, output = posture(capsys)
    line = next(line for line in output.splitlines() if "way taken" in line)
    assert words in line
    assert outcome in line


PLAN = """[targets.other]
url = "http://127.0.0.1:2"
[[environments.production.backups]]
every = "daily"
keep_days = 1
[environments.production.objectives]
data_loss_s = 60
"""


@pytest.mark.parametrize("words", [(), ("--target", "production"), ("--store", "production")])
def test_backups_of_a_url_are_judged_as_the_environment_of_their_name_wants_them(
    place, capsys, words
):
    (place / "drill.toml").write_text(SOURCE + 'target = "http://127.0.0.1:1"\n' + PLAN)
    _, output = posture(capsys, *words, "--json")
    answer = json.loads(output)
    assert answer["environment"] == "production"
    limits = {verdict["check"]: verdict["limit"] for verdict in answer["verdicts"]}
    assert limits["daily retention"] == 1
    assert [source["name"] for source in answer["sources"]] == ["production"]
