"""What a rebuild remembers of the rows that it embedded."""

from chromadrill.recovery.embedded_ids import EmbeddedIds


def test_an_id_that_is_embedded_twice_counts_once_and_others_are_lacking():
    ids = EmbeddedIds()
    assert (len(ids), ids.lacks([]), ids.lacks(["a"])) == (0, 0, 1)
    ids.add(["a", "b"])
    ids.add(["b", "ü"])
    assert len(ids) == 3
    assert ids.lacks(["b", "c", "ü", "d"]) == 2
