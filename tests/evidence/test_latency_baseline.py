"""A baseline holds where it was accepted, and nowhere else."""

import dataclasses
import json

import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.evidence import latency_baseline
from chromadrill.evidence.latency_baseline import Conditions

HERE = Conditions("process", "process", 3000, "1.5.9", 2)
SERIES = {"search": {"p10": 3.5, "p90": 6.25}}


def test_accepted_baseline_is_read_back(tmp_path):
    path = tmp_path / HERE.file_name
    baseline = latency_baseline.write(path, "run-1", HERE, SERIES)

    assert latency_baseline.read(path) == baseline
    assert baseline.series == SERIES
    assert baseline.why_not_comparable(HERE) == ""
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"cpus": 8}, "cpus 2, here 8"),
        ({"chromadb": "1.6.0"}, "chromadb 1.5.9, here 1.6.0"),
        ({"records": 20_000}, "records 3000, here 20000"),
        ({"records": 3151}, "records 3000, here 3151"),
        ({"kind": "remote"}, "kind process, here remote"),
        ({"target": "lab"}, "target process, here lab"),
    ],
)
def test_other_place_is_named_and_not_compared(tmp_path, change, difference):
    baseline = latency_baseline.write(tmp_path / "b", "run-1", HERE, SERIES)
    assert difference in baseline.why_not_comparable(dataclasses.replace(HERE, **change))


@pytest.mark.parametrize("records", [2850, 2999, 3150])
def test_database_that_grew_a_little_is_compared(tmp_path, records):
    baseline = latency_baseline.write(tmp_path / "b", "run-1", HERE, SERIES)
    assert baseline.why_not_comparable(dataclasses.replace(HERE, records=records)) == ""


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0", "-1"])
def test_numbers_that_are_no_latencies_are_refused(tmp_path, value):
    latency_baseline.write(tmp_path / "b", "run-1", HERE, SERIES)
    text = (tmp_path / "b").read_text()
    (tmp_path / "b").write_text(text.replace("6.25", value))
    with pytest.raises(Unavailable, match="no latency"):
        latency_baseline.read(tmp_path / "b")


def test_each_target_has_a_file_of_its_own_without_secrets():
    def file_name(kind, target):
        return dataclasses.replace(HERE, kind=kind, target=target).file_name

    assert file_name("process", "process") == "latency-baseline-process.json"
    assert file_name("railway", "staging") == "latency-baseline-railway-staging.json"
    one = file_name("remote", "http://me:hunter22@10.0.0.1:8000/?token=hunter22")
    assert one == "latency-baseline-remote-10.0.0.1-8000.json"
    assert file_name("remote", "http://10.0.0.2:8000") != one


def test_no_baseline_yet_is_none(tmp_path):
    assert latency_baseline.read(tmp_path / "none") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "other"}', json.dumps({"schema": latency_baseline.SCHEMA})]
)
def test_broken_baseline_is_a_sentence_not_a_traceback(tmp_path, text):
    (tmp_path / "b").write_text(text)
    with pytest.raises(Unavailable, match="cannot be read"):
        latency_baseline.read(tmp_path / "b")
