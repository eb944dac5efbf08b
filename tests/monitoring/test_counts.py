"""Starts and kills are counted in a file, whatever became of it."""

import pytest

from chromadrill.targets.counts import NAME, Counts


@pytest.mark.parametrize("text", ["[]", "{}", "null", "7", '{"starts": "x"}', '{"sta', "\x00"])
def test_file_that_is_none_of_ours_is_begun_anew(text, tmp_path):
    (tmp_path / NAME).write_text(text)
    counts = Counts(tmp_path)
    assert counts.read() == {"starts": 0, "oom_kills": 0}
    counts.add(starts=1)
    counts.add(oom_kills=2)
    assert Counts(tmp_path).read() == {"starts": 1, "oom_kills": 2}
