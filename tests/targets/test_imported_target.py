"""`--target package.module:Class`: whatever the class does, it ends in a target or a sentence."""

import pytest

from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.settings import load
from chromadrill.targets.registry import open_target

HERE = __name__
constant = 5


class Whole:
    name, url = "whole", "http://127.0.0.1:9"

    def facts(self):
        return {}


class Wanting(Whole):
    def __init__(self, home):
        self.home = home


class Raising(Whole):
    def __init__(self):
        raise RuntimeError("no key")


class Exploding(Whole):
    @property
    def url(self):
        raise KeyError("PORT")


class Refusing(Whole):
    def __init__(self):
        raise Refused("not today")


class Ending(Whole):
    def __init__(self):
        raise SystemExit(0)


class Half:
    name = "half"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{HERE}:Wanting", "cannot make one: TypeError: .*home"),
        (f"{HERE}:Raising", "cannot make one: RuntimeError: no key"),
        (f"{HERE}:Exploding", "cannot make one: KeyError"),
        (f"{HERE}:constant", "cannot make one: TypeError"),
        (f"{HERE}:Half", "lacks url, facts"),
        (f"{HERE}:Absent", "cannot import it"),
        (f"{HERE}:Ending", "cannot make one: SystemExit"),
        ("no.such:Class", "cannot import it"),
        ("chromadrill.targets.railway.target:RailwayTarget", "cannot make one: TypeError"),
    ],
)
def test_class_that_makes_no_target_is_a_sentence(path, message):
    with pytest.raises(UsageError, match=message):
        open_target(load(environ={}), path)


def test_what_the_class_itself_refuses_is_its_own_word():
    with pytest.raises(Refused, match="not today"):
        open_target(load(environ={}), f"{HERE}:Refusing")


def test_class_that_makes_a_target_is_one():
    assert open_target(load(environ={}), f"{HERE}:Whole").name == "whole"


def test_module_that_ends_the_program_as_it_is_imported_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "ending_module.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="cannot import it: it ends the program"):
        open_target(load(environ={}), "ending_module:Target")
