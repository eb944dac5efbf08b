"""Whether index files are at rest is read off their times: the list of ids is written last."""

import os
import time

import pytest

from chromadrill.backups.flusher.index_rest import is_at_rest, wait_for_rest
from chromadrill.core.errors import Unavailable

NOW = time.time()


@pytest.fixture
def segment(tmp_path):
    """`segment(name=age)`: files of an index that were written so many seconds before NOW."""
    folder = tmp_path / "5f0a3a0e"
    folder.mkdir()

    def write(**ages):
        for name, age_s in ages.items():
            path = folder / (f"{name}.pickle" if name == "index_metadata" else f"{name}.bin")
            path.write_bytes(b"x")
            os.utime(path, (NOW - age_s, NOW - age_s))
        return folder

    return write


@pytest.mark.parametrize(
    ("ages", "is_whole"),
    [
        ({}, True),
        ({"header": 0.3, "length": 0.2, "index_metadata": 0.2}, True),
        ({"header": 0.3, "length": 0.2, "index_metadata": 5}, False),
        ({"header": 0.3, "length": 0.2}, False),
        ({"header": 0.3, "length": 0.2, "index_metadata": 0.0}, False),
        ({"length": 60, "index_metadata": 61}, True),
        ({"header": 60}, True),
    ],
    ids=[
        "no index",
        "written to its end",
        "the list of ids is older",
        "the first flush, without a list yet",
        "the list may be half written",
        "a copy's times, in no order",
        "an index that was never flushed",
    ],
)
def test_index_is_at_rest_once_its_list_of_ids_was_written(segment, tmp_path, ages, is_whole):
    segment(**ages)

    assert is_at_rest(tmp_path, NOW) is is_whole


def test_list_that_was_cut_to_nothing_is_about_to_be_written(segment, tmp_path):
    folder = segment(header=0.3, index_metadata=0.2)
    moment = (folder / "index_metadata.pickle").stat().st_mtime
    (folder / "index_metadata.pickle").write_bytes(b"")
    os.utime(folder / "index_metadata.pickle", (moment, moment))

    assert not is_at_rest(tmp_path, NOW)


def test_what_was_written_after_the_moment_is_not_at_rest_then(segment, tmp_path):
    segment(header=0.3, index_metadata=0.2)

    assert not is_at_rest(tmp_path, NOW - 0.25)


def test_index_that_is_never_at_rest_is_a_sentence(segment, tmp_path):
    segment(header=0, length=-3600)
    with pytest.raises(Unavailable, match="index files at rest"):
        wait_for_rest(tmp_path, within_s=0.05)
