"""Which target a name leads to, and what is wrong where it leads to none."""

import pkgutil
import subprocess
import sys

import pytest

from chromadrill.core.errors import UsageError
from chromadrill.core.settings import load
from chromadrill.targets.kinds import KINDS, SCRATCH
from chromadrill.targets.registry import open_target


def settings(tmp_path, table):
    file = tmp_path / "drill.toml"
    file.write_text(f"[targets.box]\n{table}\n")
    return load(file, environ={})


@pytest.mark.parametrize("kind", KINDS)
def test_factory_of_every_kind_is_there(kind):
    assert callable(pkgutil.resolve_name(KINDS[kind].factory))


def test_own_kinds_are_those_that_drills_make_and_remove():
    assert SCRATCH == ("process", "container")


def test_no_kind_is_imported_before_a_target_of_it_is_opened():
    code = (
        "import sys, chromadrill.targets.registry\n"
        "print([m for m in sys.modules if m.endswith('.target') or m in ('docker', 'chromadb')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('kind = "remot"', r"\[targets.box\] kind = 'remot': unknown kind. Did you mean 'remote'"),
        ('kind = "remote"', r"\[targets.box\] url = ... is missing"),
        ('kind = "command"', r"\[targets.box\] url = ... is missing"),
        ('kind = "railway"', r"\[targets.box\] service = ... is missing"),
    ],
)
def test_table_that_makes_no_target_is_a_sentence(tmp_path, table, message):
    with pytest.raises(UsageError, match=message):
        open_target(settings(tmp_path, table), "box")


def test_unknown_name_is_told_the_nearest(tmp_path):
    with pytest.raises(UsageError, match=r"Unknown target 'bix' .*Did you mean 'box'"):
        open_target(settings(tmp_path, 'kind = "process"'), "bix")


def test_table_of_an_own_kind_is_a_target_in_its_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = open_target(settings(tmp_path, 'home = "lab"\nscopes = ["acme/docs"]'), "box")
    assert (target.name, target.home.name) == ("box", "lab")
    assert [str(scope) for scope in target.scopes] == ["acme/docs"]


TWO = """
[targets.alpha]
kind = "process"
[targets.beta]
kind = "process"
"""


def test_each_table_and_the_bare_kind_have_a_home_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drill.toml").write_text(TWO)
    names = ("alpha", "beta", "process")
    homes = [open_target(load(environ={}), name).home for name in names]
    assert homes == [tmp_path / ".chromadrill" / name for name in names]


def test_whose_data_lies_in_the_home_of_the_kind_is_asked_and_not_guessed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drill.toml").write_text(TWO)
    shared = open_target(load(environ={}), "process").home
    with pytest.raises(UsageError, match=r"\[targets.alpha\] names no home.*\.chromadrill/process"):
        open_target(load(environ={}), "alpha")
    assert [path.name for path in shared.parent.iterdir()] == ["process"]

    (tmp_path / "drill.toml").write_text(
        TWO.replace('"process"', '"process"\nhome = ".chromadrill/process"', 1)
    )
    assert open_target(load(environ={}), "alpha").home == shared


def test_table_whose_own_home_is_there_has_that_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drill.toml").write_text(TWO)
    own = open_target(load(environ={}), "alpha").home
    open_target(load(environ={}), "process")
    assert open_target(load(environ={}), "alpha").home == own
