"""An altered record, ledger or file is found, and what nobody can tell is UNKNOWN."""

import json
import os

import pytest

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.evidence import hash_chain, history, record
from chromadrill.evidence.signature import sign, verify_signature
from tests.evidence.sealed_runs import edit, outcomes_of, run

KEY = b"a key of thirty-two bytes at all"


@pytest.fixture
def folder(tmp_path):
    return run(tmp_path, "run-1")


@pytest.fixture
def reports(tmp_path):
    """Three drills in a chain, their history, and what else lies in a folder of reports."""
    before = None
    for name in ("run-1", "run-2", "run-3"):
        before = run(tmp_path, name, before)
        entry = history.entry_of(json.loads((before / "drill.json").read_bytes()), "")
        history.append(
            tmp_path / "history.jsonl",
            {**entry, "record_sha256": hash_chain.sha256_of_record(before)},
        )
    (tmp_path / "latest").symlink_to("run-3")
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "notes").mkdir()
    return tmp_path


def reseal(folder, **fields):
    """Change drill.json and all hashes in it."""
    record.seal(folder, {**json.loads((folder / "drill.json").read_bytes()), **fields})


# ---- one folder ---------------------------------------------------------------------------------
def test_sealed_folder_is_as_it_was_sealed(folder):
    assert outcomes_of(hash_chain.verify(folder)) == {
        "schema": "pass", "artifacts": "pass", "extra files": "pass", "rederived": "pass",
    }  # fmt: skip


def test_edited_outcome_is_caught_by_the_ledger(tmp_path):
    folder = run(tmp_path, "bad", outcome="fail")
    edit(folder, outcome="pass")
    verdicts = hash_chain.verify(folder)
    assert outcomes_of(verdicts) == {
        "schema": "pass", "artifacts": "pass", "extra files": "pass", "rederived": "fail",
    }  # fmt: skip
    assert "outcome: the record says pass, the ledger fail" in verdicts[-1].message


def test_edited_time_is_caught_though_the_outcome_stays(folder):
    scenarios = json.loads((folder / "drill.json").read_bytes())["scenarios"]
    scenarios[0]["verdicts"][0]["actual"] = 1.0
    edit(folder, scenarios=scenarios)
    assert outcomes_of(hash_chain.verify(folder))["rederived"] == "fail"


def test_edited_ledger_is_caught_by_its_hash_and_by_what_it_says(folder):
    ledger = folder / "evidence.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"outcome":"pass"', b'"outcome":"fail"'))
    outcomes = outcomes_of(hash_chain.verify(folder))
    assert (outcomes["artifacts"], outcomes["rederived"]) == ("fail", "fail")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"READY\n", "other content of the same size"), (b"", "0 bytes, sealed were 6")],
)
def test_altered_file_is_named(folder, data, message):
    (folder / "logs" / "server.log").write_bytes(data)
    verdict = hash_chain.verify(folder)[1]
    assert (verdict.outcome, verdict.message) == ("fail", f"logs/server.log: {message}")


def test_missing_file_is_named(folder):
    (folder / "logs" / "server.log").unlink()
    assert hash_chain.verify(folder)[1].message == "logs/server.log: missing"


def test_extra_file_is_named_also_a_second_record_in_a_folder_below(folder):
    (folder / "logs" / "drill.json").write_text("{}")
    (folder / "more.txt").write_text("")
    verdict = hash_chain.verify(folder)[2]
    assert verdict.outcome == "fail"
    assert verdict.message == "logs/drill.json: not sealed; more.txt: not sealed"


def test_link_is_no_file_of_the_run_even_with_the_same_content(folder, tmp_path):
    log = folder / "logs" / "server.log"
    (tmp_path / "elsewhere").write_bytes(log.read_bytes())
    log.unlink()
    log.symlink_to(tmp_path / "elsewhere")
    assert hash_chain.verify(folder)[1].message == "logs/server.log: no file of its own"


def test_pipes_are_not_opened(folder):
    for name in ("logs/server.log", "evidence.jsonl"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
    outcomes = outcomes_of(hash_chain.verify(folder))
    assert (outcomes["artifacts"], outcomes["rederived"]) == ("fail", "fail")


@pytest.mark.parametrize("path", ["../secret", "/etc/hostname", "logs", ""])
def test_name_that_leads_out_of_the_folder_is_not_followed(folder, path):
    (folder.parent / "secret").write_text("x")
    artifacts = json.loads((folder / "drill.json").read_bytes())["artifacts"]
    edit(folder, artifacts=[*artifacts, {"path": path, "sha256": "0" * 64, "bytes": 1}])
    assert hash_chain.verify(folder)[1].message == f"{path}: missing"


def test_file_that_is_listed_twice_is_told(folder):
    artifacts = json.loads((folder / "drill.json").read_bytes())["artifacts"]
    edit(folder, artifacts=[*artifacts, artifacts[0]])
    assert "listed 2 times" in hash_chain.verify(folder)[1].message


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff\xfe", b"[]", b"null", b"{", b'{"a": ' * 5000, b"{}", b'{"schema": 1}']
)
def test_record_that_is_none_fails_without_a_traceback(folder, data):
    (folder / "drill.json").write_bytes(data)
    verdicts = hash_chain.verify(folder)
    assert [str(verdict.outcome) for verdict in verdicts] == ["fail"]
    assert hash_chain.verify_chain(folder.parent, root="0" * 64)[0].outcome == "unknown"


@pytest.mark.parametrize("data", [b"", b"\x00\xff\n", b"[1]\n", b'{"event": "scenario started"}\n'])
def test_ledger_that_is_none_is_never_green(folder, data):
    (folder / "evidence.jsonl").write_bytes(data)
    reseal(folder)
    assert outcomes_of(hash_chain.verify(folder))["rederived"] in ("fail", "unknown")


def test_run_without_ledger_fails_even_if_the_record_lists_none(folder):
    (folder / "evidence.jsonl").unlink()
    reseal(folder)
    outcomes = outcomes_of(hash_chain.verify(folder))
    assert (outcomes["artifacts"], outcomes["rederived"]) == ("pass", "fail")


def test_missing_folder_fails_and_a_folder_in_place_of_the_record_too(tmp_path):
    assert outcomes_of(hash_chain.verify(tmp_path / "no")) == {"record": "fail"}
    (tmp_path / "drill.json").mkdir()
    assert outcomes_of(hash_chain.verify(tmp_path)) == {"record": "fail"}


@pytest.mark.parametrize("name", ["drill.json", "server.log", "evidence.jsonl"])
def test_unreadable_file_is_unknown(folder, name, monkeypatch):
    real = type(folder).open

    def refuse(self, *rest, **options):
        if self.name == name:
            raise PermissionError(13, "Permission denied")
        return real(self, *rest, **options)

    monkeypatch.setattr(type(folder), "open", refuse)
    monkeypatch.setattr(type(folder), "read_bytes", lambda self: self.open("rb").read())
    outcomes = outcomes_of(hash_chain.verify(folder))
    assert "unknown" in outcomes.values()
    assert "fail" not in outcomes.values()


# ---- the signature ------------------------------------------------------------------------------
def test_signature_is_checked_and_is_no_extra_file(folder):
    path = folder / "drill.json"
    signature = sign(path, KEY)
    assert (folder / "drill.json.sig").read_text() == f"{signature}\n"
    assert outcomes_of(hash_chain.verify(folder, KEY))["signature"] == "pass"
    assert outcomes_of(hash_chain.verify(folder))["signature"] == "not_run"
    assert outcomes_of(hash_chain.verify(folder))["extra files"] == "pass"
    assert verify_signature(path, KEY + b"!").outcome == "fail"
    edit(folder, operator="another")
    assert outcomes_of(hash_chain.verify(folder, KEY))["signature"] == "fail"


@pytest.mark.parametrize("data", [b"", b"\xff\x00", b"0" * 64])
def test_other_signature_fails_and_none_is_unknown(folder, data):
    path = folder / "drill.json"
    assert verify_signature(path, KEY).outcome == "unknown"
    (folder / "drill.json.sig").write_bytes(data)
    assert verify_signature(path, KEY).outcome == "fail"


def test_short_key_is_refused(folder):
    with pytest.raises(UsageError, match="at least 16 bytes"):
        sign(folder / "drill.json", b"secret")


# ---- the chain ----------------------------------------------------------------------------------
def test_chain_of_three_holds_up_to_the_root(reports):
    verdicts = hash_chain.verify_chain(reports, root=hash_chain.root(reports))
    assert outcomes_of(verdicts) == {
        "records": "pass", "chain": "pass", "forks": "pass", "history": "pass", "root": "pass",
    }  # fmt: skip
    assert "3 records are fixed" in verdicts[-1].message
    assert hash_chain.root(reports) == hash_chain.sha256_of_record(reports / "run-3")


def test_older_root_still_holds_after_more_drills(reports):
    root = hash_chain.root(reports)
    run(reports, "run-4", reports / "run-3")
    assert outcomes_of(hash_chain.verify_chain(reports, root=root))["root"] == "pass"


def test_altered_record_is_named_by_the_chain_and_by_the_history(reports):
    reseal(reports / "run-2", operator="another")
    verdicts = hash_chain.verify_chain(reports)
    assert outcomes_of(verdicts)["chain"] == "fail"
    assert outcomes_of(verdicts)["history"] == "fail"
    assert "run-2" in verdicts[1].message


def test_altered_newest_record_is_caught_by_the_root_alone(reports):
    root = hash_chain.root(reports)
    (reports / "history.jsonl").unlink()
    reseal(reports / "run-3", operator="another")
    assert outcomes_of(hash_chain.verify_chain(reports)) == {
        "records": "pass", "chain": "pass", "forks": "pass", "history": "not_run",
    }  # fmt: skip
    assert outcomes_of(hash_chain.verify_chain(reports, root=root))["root"] == "fail"


def test_whole_chain_computed_anew_is_caught_by_the_root_alone(reports):
    root = hash_chain.root(reports)
    (reports / "history.jsonl").unlink()
    reseal(reports / "run-1", operator="another")
    for before, name in (("run-1", "run-2"), ("run-2", "run-3")):
        reseal(reports / name, previous_record_sha256=hash_chain.sha256_of_record(reports / before))
    assert outcomes_of(hash_chain.verify_chain(reports))["chain"] == "pass"
    assert outcomes_of(hash_chain.verify_chain(reports, root=root))["root"] == "fail"


def test_pruned_predecessor_is_unknown_not_a_fault(reports):
    for path in sorted((reports / "run-2").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    verdicts = hash_chain.verify_chain(reports, root=hash_chain.root(reports))
    assert outcomes_of(verdicts)["chain"] == "unknown"
    assert "run-2" in verdicts[1].message
    # nothing ties run-1 to the root any more
    assert outcomes_of(verdicts)["root"] == "unknown"


def test_pruned_root_is_unknown(reports):
    root = hash_chain.sha256_of_record(reports / "run-2")
    (reports / "run-2" / "drill.json").unlink()
    outcomes = outcomes_of(hash_chain.verify_chain(reports, root=root))
    assert (outcomes["root"], outcomes["records"]) == ("unknown", "unknown")


def test_fork_is_named(reports):
    run(reports, "run-2b", reports / "run-1")
    verdicts = hash_chain.verify_chain(reports)
    assert outcomes_of(verdicts)["forks"] == "unknown"
    assert verdicts[2].message == "run-1 is followed by run-2, run-2b"


def test_record_under_a_second_name_is_told(reports):
    (reports / "copy").mkdir()
    (reports / "copy" / "drill.json").write_bytes((reports / "run-3" / "drill.json").read_bytes())
    assert "claims to be the run run-3" in hash_chain.verify_chain(reports)[0].message


@pytest.mark.parametrize(
    "fields",
    [{"run_id": 3}, {"run_id": ""}, {"previous_run_id": ["x"]}, {"previous_record_sha256": None},
     {"finished_at": {}}],
)  # fmt: skip
def test_record_with_other_fields_is_told_without_a_traceback(reports, fields):
    edit(reports / "run-3", **fields)
    assert outcomes_of(hash_chain.verify_chain(reports))["records"] == "unknown"


def test_ring_of_records_ends(reports):
    edit(reports / "run-1", previous_run_id="run-3", previous_record_sha256="0" * 64)
    outcomes = outcomes_of(hash_chain.verify_chain(reports, root=hash_chain.root(reports)))
    assert outcomes["chain"] == "fail"


def test_run_that_was_cut_short_and_broken_lines_of_the_history_are_no_traceback(reports):
    (reports / "cut").mkdir()
    (reports / "cut" / "evidence.jsonl").write_text("{")
    with (reports / "history.jsonl").open("ab") as file:
        file.write(b'{"run_id": ["x"], "record_sha256": 3}\n{"run_id": "run-1"}\n\xff')
    verdicts = hash_chain.verify_chain(reports)
    assert outcomes_of(verdicts)["records"] == "unknown"
    assert "cut: there is no drill.json" in verdicts[0].message


def test_no_reports_at_all_are_unknown(tmp_path):
    assert outcomes_of(hash_chain.verify_chain(tmp_path / "no", root="0")) == {
        "records": "unknown", "root": "unknown",
    }  # fmt: skip
    with pytest.raises(Unavailable, match="no record"):
        hash_chain.root(tmp_path)
