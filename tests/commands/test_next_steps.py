"""Every command that a message names exists, and takes the options that it is named with."""

import ast
import re
from pathlib import Path

import pytest

import chromadrill
from chromadrill.checks.registry import CHECKS
from chromadrill.commands import groups
from chromadrill.commands.app import RootCommands, invoke
from chromadrill.core.errors import CapabilityMissing, UsageError
from chromadrill.monitoring.diagnosis.decision_tree import TREE, next_step

SOURCES = Path(chromadrill.__file__).parent
NAMES = "|".join(name for commands in RootCommands.audiences.values() for name in commands)
# to the end of the command: a line's, a sentence's, or a bracket's
COMMAND = re.compile(
    rf"\bchromadrill ((?:{NAMES})\b[^;,()'`|&\\\n]*?)"
    r"(?=[.:]? [A-Z][a-z]|[.:;,()'`|]*$|[;,()'`|&\\\n])"
)


def texts_of(file):
    """The texts of a file without its docstrings; a value that is filled in stands as VALUE."""
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    inner = {id(v) for node in nodes if isinstance(node, ast.JoinedStr) for v in node.values}
    for node in nodes:
        if id(node) in documentation | inner:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(_part, node.values))


def _part(value):
    """A number, which has a format, stands as 1; it is read as one."""
    if isinstance(value, ast.Constant):
        return str(value.value)
    return "1" if getattr(value, "format_spec", None) else "VALUE"


def commands_in(text):
    return [match.rstrip(" .:") for match in COMMAND.findall(text)]


@pytest.fixture(scope="module")
def named():
    """Every command that the sources name; read when it is asked for, not to collect the tests."""
    texts = (text for file in SOURCES.rglob("*.py") for text in texts_of(file))
    return sorted({command for text in texts for command in commands_in(text)} - {"ops"})


@pytest.fixture
def parse(monkeypatch):
    """What parses a command line as the front door does, and runs nothing."""
    monkeypatch.setattr(groups.Command, "invoke", lambda self, context: 0)
    return lambda command: invoke(command.split())


def test_enough_commands_are_found_in_the_sources(named):
    assert len(named) > 30
    assert "ops --target VALUE restore VALUE" in named


def test_command_that_a_message_names_is_accepted(parse, named):
    refused = {}
    for command in named:
        try:
            parse(command)
        except UsageError as error:
            refused[command] = str(error)
    assert refused == {}


@pytest.mark.parametrize("name", CHECKS)
def test_command_after_a_check_is_accepted(parse, name):
    command = CHECKS[name].command
    if command.startswith("chromadrill "):
        parse(command.removeprefix("chromadrill "))
    else:
        assert command.startswith("pytest -m ")


def test_unknown_option_in_a_message_would_be_found(parse):
    with pytest.raises(UsageError, match="No such option"):
        parse("validate --al --url URL")


@pytest.mark.parametrize("cause", TREE)
def test_step_of_triage_for_a_bare_url_is_accepted_and_needs_no_more_than_the_url(parse, cause):
    step = next_step(cause, target="http://h:1", url="http://h:1", has_ops=False)
    for command in commands_in(step):
        parse(command)
        assert not command.startswith("ops")
        assert "URL" not in command


def test_triage_of_a_url_where_nobody_answers_says_how_it_goes_on(capsys):
    assert invoke(["triage", "--target", "http://127.0.0.1:9"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "next: RB-1: start the server where it runs" in lines
    assert "      then: chromadrill triage --target http://127.0.0.1:9" in lines


def test_what_a_bare_url_cannot_do_is_refused_by_its_url_and_with_the_way_on(server):
    with pytest.raises(CapabilityMissing) as error:
        invoke(["ops", "--target", server.url, "restart"])
    assert str(error.value).startswith(f"{server.url} cannot do this")
    assert "[targets.NAME.commands]" in str(error.value)
