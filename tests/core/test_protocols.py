"""What a target may tell besides its name, url and facts; each has an answer where it tells nothing."""

from pathlib import Path

from chromadrill.core.model import Scope
from chromadrill.core.protocols import data_folder_of, scopes_of


class Bare:
    name = "bare"


class OnThisMachine(Bare):
    scopes = (Scope("t", "d"),)
    data = Path("data")


class DataOfAnotherKind(Bare):
    data = "s3://bucket"


def test_target_that_names_nothing_has_no_scopes_and_no_folder():
    assert scopes_of(Bare()) == ()
    assert data_folder_of(Bare()) is None


def test_scopes_and_folder_are_the_target_s_own():
    assert scopes_of(OnThisMachine()) == (Scope("t", "d"),)
    assert data_folder_of(OnThisMachine()) == Path("data")


def test_data_that_are_no_path_are_no_folder():
    assert data_folder_of(DataOfAnotherKind()) is None
