"""The badge and the metrics say what the history says, and their readers accept them."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.evidence.report.badge import badge
from chromadrill.evidence.report.prometheus import metrics

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def entry(days=3.0, **fields):
    ended = (NOW - timedelta(days=days)).isoformat(timespec="milliseconds")
    return {"run_id": "r", "target": "process", "outcome": "pass", "recovery_time_s": 3.0,
            "finished_at": ended.replace("+00:00", "Z"), **fields}  # fmt: skip


def badge_parts(svg):
    """What a reader sees, hears and at which colour."""
    tree = ElementTree.fromstring(svg)  # noqa: S314 - we made it
    texts = [text_element.text for text_element in tree.iter(f"{SVG}text")]
    title = tree.findtext(f"{SVG}title")
    assert tree.get("role") == "img"
    assert tree.get("aria-label") == title
    return " | ".join(texts), title, list(tree.iter(f"{SVG}rect"))[-1].get("fill")


# ---- badge --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "text", "fresh"),
    [(0, "today", True), (-0.01, "today", True), (1.5, "1 day ago", True), (3, "3 days ago", True),
     (35.9, "35 days ago", True), (36, "36 days ago", False), (400, "400 days ago", False)],
)  # fmt: skip
def test_badge_says_when_a_restore_was_proven(days, text, fresh):
    label, title, colour = badge_parts(badge(entry(days), NOW))
    assert label == f"restore | proven {text}"
    assert title.startswith("Restore of process proven")
    assert (colour == "#2c7a34") == fresh


def test_badge_of_none_is_never():
    label, title, _ = badge_parts(badge(None, NOW))
    assert (label, title) == ("restore | never", "No restore was ever proven")


@pytest.mark.parametrize(
    "fields",
    [{"outcome": "fail"}, {"finished_at": None}, {"finished_at": "soon"},
     {"finished_at": "2027-01-01T00:00:00Z"}, {"finished_at": "0001-01-01T00:00:00+14:00"}],
)  # fmt: skip
def test_badge_is_never_greener_than_its_entry(fields):
    assert badge_parts(badge(entry(**fields), NOW))[0] == "restore | not proven"


@given(st.text())
def test_badge_of_any_target_is_xml(target):
    assert badge_parts(badge(entry(target=target), NOW))[0] == "restore | proven 3 days ago"


# ---- metrics ------------------------------------------------------------------------------------
def families(text):
    """As both parsers read it; they must agree."""
    classic = pytest.importorskip("prometheus_client.parser")
    modern = pytest.importorskip("prometheus_client.openmetrics.parser")
    parses = [
        {
            (s.name, tuple(sorted(s.labels.items()))): s.value
            for family in parser.text_string_to_metric_families(text)
            for s in family.samples
        }
        for parser in (classic, modern)
    ]
    assert parses[0] == parses[1]
    units = {f.name: f.unit for f in modern.text_string_to_metric_families(text)}
    assert all(unit == "seconds" for name, unit in units.items() if name.endswith("_seconds"))
    return parses[0]


def value_of(metrics_by_label, name, target="process", **labels):
    return metrics_by_label.get(
        (f"chromadrill_{name}", tuple(sorted({**labels, "target": target}.items())))
    )


def test_metrics_tell_the_last_drill_and_the_last_that_proved_a_restore():
    history = [
        entry(9, recovery_time_s=2.0),
        entry(2, recovery_time_s=4.0, recovery_limit_s=300, data_loss_s=0.5, downtime_s=1.5,
              records=5909),
        entry(1, outcome="fail", recovery_time_s=None, recovery_limit_s=300, records=12),
        entry(5, target="railway", recovery_time_s=7.5),
    ]  # fmt: skip
    samples = families(metrics(history, NOW))
    day = 86400
    assert value_of(samples, "last_proven_timestamp_seconds") == NOW.timestamp() - 2 * day
    assert value_of(samples, "last_run_timestamp_seconds") == NOW.timestamp() - day
    outcomes = ("pass", "fail", "unknown")
    assert [value_of(samples, "last_outcome", outcome=outcome) for outcome in outcomes] == [0, 1, 0]
    assert value_of(samples, "recovery_seconds") is None
    assert value_of(samples, "recovery_seconds", "railway") == 7.5
    assert value_of(samples, "recovery_limit_seconds") == 300
    assert value_of(samples, "records_compared") == 12


def test_metrics_of_no_history_have_no_proof_and_no_error():
    samples = families(metrics([], NOW))
    assert list(samples.values()) == [NOW.timestamp()]


def test_pass_without_a_restore_is_no_proof():
    samples = families(metrics([entry(recovery_time_s=None)], NOW))
    assert value_of(samples, "last_proven_timestamp_seconds") is None
    assert value_of(samples, "last_outcome", outcome="pass") == 1


def test_text_is_what_the_textfile_collector_accepts():
    text = metrics([entry(records=1)], NOW)
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""]
    assert all(lines[:-1])
    for line in lines[:-2]:
        if line.startswith("#"):
            assert line.split()[1] in ("HELP", "TYPE", "UNIT")
            assert '"' not in line
        else:
            assert len(line.rsplit("}", 1)[-1].split()) <= 2  # a third word would be a timestamp
    assert {line.split()[-1] for line in lines if line.startswith("# TYPE")} == {"gauge"}


@pytest.mark.parametrize(
    "target", ['a"b', "a\\b", "a\nb", "\\n", "a}b{", "Ünï 日本", '\\"', "\\\\n"]
)
def test_labels_are_escaped_for_both(target):
    assert (
        value_of(families(metrics([entry(target=target)], NOW)), "recovery_seconds", target) == 3.0
    )


@given(st.lists(st.fixed_dictionaries({}, optional={
    "target": st.sampled_from(["t", None, 5, ["x"]]),
    "outcome": st.sampled_from(["pass", "fail", "x", None, 3]),
    "finished_at": st.sampled_from(["2026-11-25T07:47:49.878Z", "x", None, 7]),
    "recovery_time_s": st.one_of(st.none(), st.floats(), st.integers(-9, 2**63), st.text()),
})))  # fmt: skip
def test_history_of_any_shape_makes_text_that_both_read(history):
    families(metrics(history, NOW))
