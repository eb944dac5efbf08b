"""A baseline holds where it was accepted, and nowhere else."""

import dataclasses
import json

import pytest

from chromadrill.errors import Unavailable
from chromadrill.evidence import baseline
from chromadrill.evidence.baseline import Place

HERE = Place("process", "process", 3000, "1.5.9", 2)
SERIES = {"search": {"p10": 3.5, "p90": 6.25}}


def test_accepted_baseline_is_read_back(tmp_path):
    path = tmp_path / baseline.BASELINE
    made = baseline.write(path, "run-1", HERE, SERIES)

    assert baseline.read(path) == made
    assert made.series == SERIES
    assert made.not_comparable(HERE) == ""
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cpus": 8}, "cpus 2, here 8"),
        ({"chromadb": "1.6.0"}, "chromadb 1.5.9, here 1.6.0"),
        ({"records": 20_000}, "records 3000, here 20000"),
        ({"kind": "remote"}, "kind process, here remote"),
        ({"target": "lab"}, "target process, here lab"),
    ],
)
def test_other_place_is_named_and_not_compared(tmp_path, change, named):
    made = baseline.write(tmp_path / "b", "run-1", HERE, SERIES)
    assert named in made.not_comparable(dataclasses.replace(HERE, **change))


def test_no_baseline_yet_is_none(tmp_path):
    assert baseline.read(tmp_path / "none") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "other"}', json.dumps({"schema": baseline.SCHEMA})]
)
def test_broken_baseline_is_a_sentence_not_a_traceback(tmp_path, text):
    (tmp_path / "b").write_text(text)
    with pytest.raises(Unavailable, match="cannot be read"):
        baseline.read(tmp_path / "b")
