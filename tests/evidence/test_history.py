"""The history keeps one line a drill, and loses none silently."""

import json
import logging
import threading

import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.evidence import history

KEYS = [
    "run_id", "finished_at", "target", "outcome", "recovery_time_s", "recovery_limit_s",
    "data_loss_s", "downtime_s", "search_p90_ms", "forecast_s", "scenarios", "records", "record_sha256",
]  # fmt: skip


def verdict(check, actual, limit):
    return {"check": check, "actual": actual, "limit": limit, "outcome": "pass"}


def test_entry_takes_the_summary_of_a_record():
    record = {
        "run_id": "r1", "finished_at": "2026-11-25T07:47:49.878Z", "target": {"name": "process"},
        "outcome": "pass",
        "summary": {"recovery_time_s": 3.0, "recovery_limit_s": 300, "records_compared": 7,
                    "downtime_s": None, "forecast": {"text": "40 s", "seconds": 40.0}},
    }  # fmt: skip
    entry = history.entry_of(record, "ab")
    assert list(entry) == KEYS
    assert (entry["recovery_time_s"], entry["records"], entry["forecast_s"]) == (3.0, 7, 40.0)
    assert entry["downtime_s"] is None
    assert entry["record_sha256"] == "ab"


def test_entry_of_an_old_record_without_summary_is_taken_from_its_scenarios():
    scenarios = [
        {"verdicts": [verdict("recovery time", 9.0, 300), verdict("records", 5.0, 5.0)]},
        {"verdicts": [verdict("recovery time", 5.0, 10), verdict("records", 5.0, 5.0)]},
    ]
    entry = history.entry_of({"run_id": "r", "scenarios": scenarios}, "")
    assert (entry["recovery_time_s"], entry["recovery_limit_s"], entry["records"]) == (5.0, 10, 10)


def test_entry_of_an_empty_record_is_all_null():
    entry = history.entry_of({}, "")
    measured = {key: value for key, value in entry.items() if value}
    assert measured == {}


@pytest.mark.parametrize("value", [None, True, "3", float("nan"), float("inf"), -1, [3]])
def test_what_is_no_measurement_is_none(value):
    assert history.number(value) is None


def test_what_was_appended_is_read_in_order_and_the_last_of_a_target_is_the_previous(tmp_path):
    path = tmp_path / "reports" / "history.jsonl"
    for run, target in (("1", "a"), ("2", "b"), ("3", "a")):
        history.append(path, {"run_id": run, "target": target})
    assert [entry["run_id"] for entry in history.read(path)] == ["1", "2", "3"]
    assert history.previous(path, "b") == {"run_id": "2", "target": "b"}
    assert history.previous(path, None) == {"run_id": "3", "target": "a"}
    assert history.previous(path, "c") is None


def test_no_history_is_an_empty_one(tmp_path):
    assert history.read(tmp_path / "history.jsonl") == []


def test_line_cut_by_a_kill_costs_only_itself_and_is_told(tmp_path, caplog):
    path = tmp_path / "history.jsonl"
    history.append(path, {"run_id": "1"})
    with path.open("ab") as file:
        file.write(b'{"run_id": "2", "tar')
    history.append(path, {"run_id": "3"})
    with caplog.at_level(logging.WARNING):
        assert [entry["run_id"] for entry in history.read(path)] == ["1", "3"]
    assert "1 unreadable lines left out: [2]" in caplog.text


def test_lines_of_other_shapes_and_bytes_are_counted(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"run_id": "1"}\n[1]\n\x00\x00\xff\n\n"x"\r\n{"run_id": "\xc3"}\n{}')
    entries, bad = history.parse(path)
    assert entries == [{"run_id": "1"}, {}]
    assert bad == [2, 3, 5, 6]


def test_every_cut_of_the_last_line_keeps_all_others(tmp_path):
    path = tmp_path / "history.jsonl"
    whole = b"".join(json.dumps({"run_id": str(n)}).encode() + b"\n" for n in range(3))
    for cut in range(1, 16):
        path.write_bytes(whole[:-cut])
        history.append(path, {"run_id": "new"})
        entries, bad = history.parse(path)
        assert [e["run_id"] for e in entries if e["run_id"] != "2"] == ["0", "1", "new"]
        assert len(entries) + len(bad) in (3, 4)


def test_two_who_append_at_once_lose_nothing(tmp_path):
    path = tmp_path / "history.jsonl"

    def write(name):
        for at in range(50):
            history.append(path, {"run_id": f"{name}{at}", "padding": "x" * 3000})

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries, bad = history.parse(path)
    assert (len({entry["run_id"] for entry in entries}), bad) == (100, [])


def test_history_that_is_a_folder_is_unavailable_not_empty(tmp_path):
    with pytest.raises(Unavailable, match="cannot be read"):
        history.read(tmp_path)


def test_restore_is_proven_only_where_something_had_to_recover():
    assert history.is_proven({"outcome": "pass", "recovery_time_s": 0.0})
    assert not history.is_proven({"outcome": "pass", "recovery_time_s": None})
    assert not history.is_proven({"outcome": "fail", "recovery_time_s": 3.0})
