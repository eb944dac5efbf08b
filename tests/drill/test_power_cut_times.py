"""The times of a power cut: in what a freeze takes, no server has written."""

import time
from types import SimpleNamespace

from chromadrill.drill import power_cut
from chromadrill.drill.cut_judge import DATA

FREEZE_S = 0.3


class SlowDisk:
    """A disk that is so busy that it is frozen late."""

    def __init__(self, folder):
        self.folder = folder

    def cut(self, image, *, at_cut):
        time.sleep(FREEZE_S)  # the freeze itself
        at_cut()


def test_time_since_a_flush_ends_where_the_cut_is_asked_for(tmp_path):
    index = tmp_path / DATA / "segment" / "header.bin"
    index.parent.mkdir(parents=True)
    index.write_bytes(b"flushed")
    cut = power_cut._cut(
        SlowDisk(tmp_path), SimpleNamespace(acknowledged=[]), 1, tmp_path / "1.img", freezes=False
    )
    assert 0 <= cut.since_flush_s <= cut.at - index.stat().st_mtime - FREEZE_S + 0.01
