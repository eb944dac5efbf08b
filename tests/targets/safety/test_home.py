"""The safety rules keep what they know in a home that is ours, never in somebody else's directory."""

import pytest

from chromadrill.core.errors import Refused
from chromadrill.targets.home import MARKER, home_of


class Theirs:
    """A class of a user's, with a home of its own."""

    name = "my.module:Class"
    url = "http://127.0.0.1:9"


def test_home_of_a_users_class_is_not_touched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    theirs = Theirs()
    theirs.home = tmp_path / "lab"
    theirs.home.mkdir()
    (theirs.home / "precious").touch()
    home = home_of(theirs)
    assert home.name == "my.module-Class"
    assert (home / MARKER).is_file()
    assert [path.name for path in theirs.home.iterdir()] == ["precious"]


def test_directory_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".chromadrill" / "my.module-Class" / "precious").mkdir(parents=True)
    with pytest.raises(Refused, match="not a chromadrill home"):
        home_of(Theirs())
