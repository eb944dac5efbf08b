"""The documents: every link leads somewhere, every command and option that a page types exists."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from typer.main import get_command

from chromadrill.commands.app import app
from chromadrill.targets.home import free_port
from tests.forked import run_forked

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "README.md"])
FENCE = re.compile(r"^```.*?^```\n", re.M | re.S)
# the guide to extending names the file that an example goes to
NAMED_BLOCK = re.compile(r"`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", re.M | re.S)
OF_LOCUST = {"--processes", "--master", "--worker", "--expect-workers"}
LINK = re.compile(r"\]\(([^)\s]+)\)")


def page_id(page):
    return str(page.relative_to(ROOT))


@cache
def anchors(page):
    """What GitHub makes of a page's headings."""
    prose = FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ +(.*)$", prose, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{link}: no such file"
        assert not anchor or anchor in anchors(target.resolve()), f"{link}: no such heading"


def test_every_page_of_the_documentation_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        links = LINK.findall(page.read_text("utf-8"))
        waiting += [page.parent / link.partition("#")[0] for link in links if "://" not in link]
    assert {page_id(page) for page in PAGES} <= {page_id(page) for page in reached}


# ---- what a page names exists -------------------------------------------------------------------
CODE = re.compile(r"^```[a-z]*\n(.*?)^```|`([^`\n]+)`", re.M | re.S)


def typed(page):
    """Every command line that a page shows, a line each, without its comment."""
    for block, inline in CODE.findall(page.read_text("utf-8")):
        for line in (block or inline).splitlines():
            # one line may hold several: `chromadrill simulate ... -- pytest ...`
            for part in re.split(r" -- | && | \| |  +#", line):
                if match := re.match(
                    r"\s*(?:\.venv/bin/)?((?:chromadrill|pytest|tox run) .*)", part
                ):
                    yield match[1]


def all_typed(program):
    lines = {(page_id(page), line) for page in PAGES for line in typed(page)}
    return sorted((page, line) for page, line in lines if line.startswith(f"{program} "))


def options_of(line):
    return re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", line)


def test_every_page_that_the_code_names_exists():
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.j2"), ROOT / "drill.toml"]
    for source in sources:
        for name in re.findall(r"docs/[\w/.-]+\.md", source.read_text("utf-8")):
            assert (ROOT / name).is_file(), f"{source}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_python_file_that_a_page_names_exists(page):
    examples = {name for name, _ in NAMED_BLOCK.findall(page.read_text("utf-8"))}
    for name in set(re.findall(r"`([\w./]+\.py)`", page.read_text("utf-8"))) - examples:
        assert any(f"/{path}".endswith(f"/{name}") for path in files()), name


@cache
def files():
    folders = (
        "src",
        "suites",
        "fixtures",
        "tests",
        "loadtests",
        "scripts",
        "ci",
        ".ci",
        "benchmarks",
    )
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [str(path.relative_to(ROOT)) for path in [*paths, ROOT / "conftest.py"]]


@cache
def pytest_reference():
    return (ROOT / "docs" / "reference" / "pytest.md").read_text("utf-8")


@pytest.mark.parametrize(("page", "line"), all_typed("pytest"))
def test_every_pytest_command_of_a_page_has_known_options_and_marks(page, line):
    for option in options_of(line):
        assert f"| `{option}" in pytest_reference(), option
    for mark in re.findall(r"-m (\w+)", line):
        assert mark == "MARK" or f"| `{mark}` |" in pytest_reference(), mark
    for path in re.findall(r"(?:suites|tests)/[\w/.]+", line):
        assert "/mine" in path or "has_owner" in path or (ROOT / path).exists(), path


@pytest.mark.parametrize(("page", "line"), all_typed("chromadrill"))
def test_every_chromadrill_command_of_a_page_exists_with_its_options(page, line):
    command, known = get_command(app), set()
    words = re.split(r"\s+", line.replace("\\|", "|"))[1:]
    for place, word in enumerate(words):
        actions = getattr(command, "commands", {})
        known |= {name for parameter in command.params for name in parameter.opts}
        if word.isupper() and place == 0:  # `chromadrill COMMAND --help`
            return
        if word in actions:
            command = actions[word].load() if hasattr(actions[word], "load") else actions[word]
            known |= {name for parameter in command.params for name in parameter.opts}
        elif place == 0:
            raise AssertionError(f"no command {word}")
    if command.context_settings.get("ignore_unknown_options"):
        known |= set(re.findall(r"`(--[a-z-]+)", pytest_reference())) | OF_LOCUST
    unknown = set(options_of(line)) - known - {"--help"}
    assert not unknown, unknown


@pytest.mark.parametrize(("page", "line"), all_typed("tox"))
def test_every_tox_environment_of_a_page_exists(page, line):
    for name in re.findall(r"-e (\w+)", line):
        assert name == "NAME" or f"`tox run -e {name}`" in pytest_reference(), name


# ---- the examples of the guide to extending -----------------------------------------------------


@pytest.fixture
def examples(tmp_path, monkeypatch):
    """A folder like a clone, with the guide's files where the guide puts them."""
    for name in ("conftest.py", "pyproject.toml", "fixtures"):
        (tmp_path / name).symlink_to(ROOT / name)
    guide = (ROOT / "docs" / "guides" / "extending.md").read_text("utf-8")
    guide = guide.replace("8123", str(free_port()))  # of this run alone
    for name, text in NAMED_BLOCK.findall(guide):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    # the example types `chroma`
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return tmp_path


def run_pytest(*args):
    return run_forked("pytest", "-q", "-p", "no:cacheprovider", *args).stdout


@pytest.mark.slow
def test_example_of_a_check_fails_where_it_should(examples):
    assert "1 passed" in run_pytest("tests/test_has_owner.py")


@pytest.mark.slow
def test_example_of_a_target_passes_the_contract_and_is_drilled(examples):
    named = ("--target", "labserver:LabServer", "--allow-damage", "labserver:LabServer")
    (examples / "suites" / "contract").symlink_to(ROOT / "suites" / "contract")
    ops = [sys.executable, "-m", "chromadrill", "ops", "--target", "labserver:LabServer"]
    subprocess.run([*ops, "start"], check=True)
    try:
        contract = run_pytest("suites/contract", *named, "--environment", "scratch")
        drill = run_pytest("suites/mine", *named, "--environment", "scratch")
    finally:
        subprocess.run([*ops, "stop"], check=True)
    assert " failed" not in contract, contract
    assert " passed" in contract, contract
    newest = max((examples / "reports").glob("2*/drill.json"), key=os.path.getmtime)
    record = json.loads(newest.read_text())
    assert [each["outcome"] for each in record["scenarios"]] == ["pass"], drill
    assert "owner" in [verdict["check"] for verdict in record["scenarios"][0]["verdicts"]]
