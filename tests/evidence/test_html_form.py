"""The page is well formed and readable, reaches for nothing, and takes any record."""

import itertools
import json
import re

import pytest

from chromadrill.evidence.report.charts import fault_table, timeline, trend
from chromadrill.evidence.report.html import TEMPLATE, page
from tests.evidence.page_reader import Reader, nastily, render
from tests.evidence.sample_records import (
    FAULTS,
    SAMPLES,
    history,
    red,
    scenario,
)


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_well_formed_and_reaches_for_nothing(name):
    text = render(name)
    reader = Reader(text)
    assert len(reader.ids) == len(set(reader.ids))
    assert not {"script", "link", "img", "iframe", "object", "base"} & {t for t, _ in reader.tags}
    for _, attributes in reader.tags:
        for key in ("src", "href", "action", "xlink:href"):
            assert attributes.get(key, "#").startswith("#")
        assert not any(key.startswith("on") for key in attributes)
    assert "@import" not in text
    assert "url(http" not in text
    assert "url(//" not in text


@pytest.mark.parametrize("name", SAMPLES)
def test_markup_in_any_field_stays_text(name):
    text = page(nastily(SAMPLES[name]()), nastily(history()), faults=nastily(FAULTS))
    Reader(text)
    assert "<script" not in text.lower()


ODD = (None, 7, [None], {"a": []})
MORE_ODD = ("text", [], {}, True, float("nan"))


@pytest.mark.parametrize(
    "odd", [*ODD, *(pytest.param(odd, marks=pytest.mark.slow) for odd in MORE_ODD)]
)
def test_a_broken_field_never_keeps_the_page_from_rendering(odd):
    for name in red():
        assert "PROVEN" in page(red() | {name: odd}) or "COULD NOT TELL" in page(
            red() | {name: odd}
        )
    for name in scenario():
        record = red()
        record["scenarios"][2][name] = odd
        Reader(page(record))
    Reader(page(red(), [odd, {"run_id": odd, "finished_at": odd}], faults=[odd, {"family": odd}]))


@pytest.mark.parametrize("name", SAMPLES)
def test_headings_go_down_one_by_one_and_tables_have_scoped_headers(name):
    reader = Reader(render(name))
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(attributes.get("scope") for tag, attributes in reader.tags if tag == "th")
    tags = [tag for tag, _ in reader.tags]
    assert {"header", "main", "footer", "nav", "title"} <= set(tags)
    assert dict(reader.tags[0][1])["lang"] == "en"


def test_every_picture_has_a_title_and_a_description():
    for drawn in (timeline(scenario()), trend(history()), fault_table(FAULTS)):
        tags = [tag for tag, _ in Reader(drawn).tags]
        assert tags[:3] == ["svg", "title", "desc"]
    assert (timeline({}), trend([]), fault_table([])) == ("", "", "")


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_is_readable_by_day_and_by_night():
    css = TEMPLATE.read_text("utf-8")
    day, night, banner = re.findall(r":root \{(.*?)\}", css, re.S)[:3]
    for block in (day, night):
        is_ = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        pairs = [(a, b) for a in ("text", "muted", "link", "good", "bad") for b in ("bg", "panel")]
        pairs += [("good", "good-bg"), ("bad", "bad-bg"), ("open", "open-bg"), ("text", "open-bg")]
        pairs += [("text", "good-bg"), ("text", "bar0"), ("text", "bar1"), ("text", "bad-bg")]
        for one, other in pairs:
            assert contrast(is_[one], is_[other]) >= 4.5, (one, other)
        for name in ("right", "wrong", "error", "timeout"):
            assert contrast(is_["ink"], is_[name]) >= 3
    on = dict(re.findall(r"--([\w-]+): (#\w{6})", banner))
    for kind in ("pass", "fail", "unknown"):
        assert contrast(on[f"on-{kind}"], on[f"banner-{kind}"]) >= 4.5


def test_rendering_changes_nothing_and_is_the_same_twice():
    record, before = red(), json.dumps(red())
    assert page(record, history()) == page(record, history())
    assert json.dumps(record) == before
