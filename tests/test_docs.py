"""The documents: every link leads somewhere, every command and option that a page types exists."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "README.md"])
FENCE = re.compile(r"^```.*?^```\n", re.M | re.S)
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
