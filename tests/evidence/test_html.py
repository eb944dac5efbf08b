"""The page says no more than the record shows, to anybody, on anything that has no network."""

import hashlib
import io
import itertools
import json
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from chromadrill.evidence.report.charts import fault_table, timeline, trend
from chromadrill.evidence.report.headline import headline_of
from chromadrill.evidence.report.html import TEMPLATE, page
from chromadrill.evidence.report.markdown import print_summary
from chromadrill.evidence.report.page_sections import digest, objectives
from chromadrill.evidence.report.timeline import outage
from tests.evidence.sample_records import (
    FAULTS,
    NEXT,
    SAMPLES,
    check,
    green,
    history,
    red,
    scenario,
)

NASTY = "<script>alert('x')</script>\"&"
VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}


# ---- reading the page ---------------------------------------------------------------------------
class Reader(HTMLParser):
    """Fails where tags do not close in order; keeps tags, ids and visible text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.ids = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def nastily(value):
    """The same record with markup in every text."""
    if isinstance(value, dict):
        return {key: nastily(item) for key, item in value.items()}
    if isinstance(value, list):
        return [nastily(item) for item in value]
    return NASTY if isinstance(value, str) else value


def render(name):
    return page(SAMPLES[name](), history(), faults=FAULTS)


# ---- what it says -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "headline"),
    [("green", "RESTORE PROVEN"), ("red", "NOT PROVEN"), ("unknown", "COULD NOT TELL"),
     ("empty", "COULD NOT TELL"), ("nothing", "COULD NOT TELL")],
)  # fmt: skip
def test_the_first_heading_is_the_verdict_and_no_other_verdict_is_shouted(name, headline):
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", render(name)).group(1)
    assert heading == headline
    assert "RESTORE PROVEN" in Reader(render(name)).text or name != "green"
    if name != "green":
        assert "RESTORE PROVEN" not in render(name)


@pytest.mark.parametrize("change", [
    lambda r: r["scenarios"][0].update(outcome="fail"),
    lambda r: r["scenarios"][0].pop("outcome"),
    lambda r: r["scenarios"][0]["verdicts"][0].update(outcome="fail"),
    lambda r: r["scenarios"][0]["verdicts"][1].update(outcome="not_run"),
    lambda r: r.update(not_covered=["RB-1"]),
    lambda r: r.update(required=["RB-1", "RB-2"]),
    lambda r: r.update(scenarios=[]),
    lambda r: r.update(outcome=None),
    lambda r: [s["verdicts"].pop(2) for s in r["scenarios"]],
], ids=range(9))  # fmt: skip
def test_a_record_that_says_pass_and_contradicts_itself_is_never_proven(change):
    record = green()
    change(record)
    assert "RESTORE PROVEN" not in page(record)


def test_drill_that_could_not_run_what_is_not_required_is_proven_and_not_complete():
    hole = "test_lost_collection_is_rebuilt_from_its_source: The extra `embed` is not installed."
    headline = headline_of(green() | {"not_covered": [hole]})
    assert headline.text == "DRILL PASSED, NOT COMPLETE"
    assert headline.sentence.endswith("The drill is not complete.")
    assert headline.reasons == (f"Not covered: {hole}",)


def test_what_the_target_cannot_do_is_told_beside_a_proof_and_does_not_undo_it():
    record = green()
    record["not_covered"] = ["test_x[a]: target staging has no capability volume"]
    text = Reader(page(record)).text
    assert "RESTORE PROVEN" in text
    assert "1 scenarios need what this target cannot do: not covered" in text
    record["required"] = ["RB-3"]
    assert "RESTORE PROVEN" not in page(record)


def test_contract_of_a_target_that_cannot_do_all_is_no_doubt():
    record = {"outcome": "unknown", "required": [], "scenarios": [],
              "not_covered": ["test_x: target staging has no capability pause"]}  # fmt: skip
    assert headline_of(record).text == "NO SCENARIO IN THIS RUN"
    record["not_covered"].append("test_y: a live target is stopped only with --allow-damage x")
    assert headline_of(record).text == "COULD NOT TELL"


def gate():
    """A health check has no fingerprint; the small restore has, and compared everything."""
    health = scenario("healthy", disaster=None, verdicts=[
        check("inventory", "not_run"), check("records", "not_run"), check("filters"),
    ])  # fmt: skip
    return green() | {"required": [], "scenarios": [health, scenario("small restore")]}


def test_green_gate_is_said_to_have_passed_and_to_be_no_drill():
    headline = headline_of(gate())
    assert (headline.kind, headline.text) == ("pass", "GATE PASSED")
    assert "this was no drill" in headline.sentence


def latency(**changes):
    """Runs of RB-6 alone: nothing is struck, and the first baseline is still to be accepted."""
    judged = [check("search p90"), check("latency trend: search", "not_run")]
    fast = scenario("fast", disaster=None, verdicts=judged) | {"runbook": "RB-6"} | changes
    return green() | {"required": [], "scenarios": [fast], "not_covered": ["embedding: no extra"]}


def test_green_latencies_have_passed_whatever_extra_is_not_installed():
    headline = headline_of(latency())
    assert (headline.kind, headline.text) == ("pass", "LATENCY PASSED")
    assert headline.reasons == ("Not covered: embedding: no extra",)


def test_latencies_are_not_green_beside_another_outcome_or_where_something_is_required():
    red = latency()
    red["scenarios"][0]["verdicts"][0]["outcome"] = "fail"
    assert headline_of(red).text == "COULD NOT TELL"
    assert headline_of(latency(outcome="unknown")).kind == "unknown"
    assert headline_of(latency() | {"required": ["RB-2"]}).kind == "unknown"


def test_gate_whose_small_restore_compared_no_records_could_not_tell():
    record = gate()
    record["scenarios"][1]["verdicts"][1]["outcome"] = "not_run"
    assert headline_of(record).text == "COULD NOT TELL"
    assert "records is NOT RUN" in headline_of(record).reasons


def test_run_that_restored_nothing_says_so_and_not_that_it_could_not_tell():
    record = gate()
    del record["scenarios"][1]
    assert headline_of(record).text == "NO RESTORE IN THIS RUN"


def test_run_without_scenarios_could_not_tell_only_where_some_were_required():
    nothing = gate() | {"scenarios": []}
    assert headline_of(nothing).text == "NO SCENARIO IN THIS RUN"
    assert headline_of(nothing | {"required": ["RB-2"]}).text == "COULD NOT TELL"


def test_on_call_finds_the_next_command_before_the_numbers():
    text = Reader(render("red")).text
    assert text.index(NEXT) < text.index("Recovery time") < text.index("For the auditor")
    assert "3 records are missing" in text
    assert "#search-oncall" in text
    assert "Records are lost, added or altered" in text
    assert "Error finding id" in text
    assert "__future__:1" in text


@pytest.mark.parametrize("name", ["red", "unknown", "empty", "nothing"])
def test_no_number_is_green_where_the_restore_is_not_proven(name):
    assert 'class="card good' not in render(name)
    assert 'class="m-good"' not in render(name)
    assert 'class="card good' in render("green")


def test_without_a_next_command_on_call_is_not_sent_to_restore_anything():
    text = Reader(render("unknown")).text
    assert "No next command in this record. Nothing here shows damage" in text


def test_an_objective_has_the_outcome_of_the_checks_held_against_its_own_limit():
    record = red()
    age = {"id": "RB-2", "title": "age of the oldest lost write", "limit": 86400, "unit": "s"}
    record["objectives"] += [age, {"id": "RB-8", "title": "monthly", "limit": 300, "unit": "s"}]
    table = [(o["outcome"], o["passed"], o["drilled"]) for o in objectives(record)]
    assert table == [("fail", 2, 3), ("pass", 3, 3), (None, 0, 0)]


def test_objectives_with_the_same_limit_are_judged_by_their_own_checks():
    def judged(check, outcome):
        return {"check": check, "outcome": outcome, "limit": 300, "unit": "s"}

    late = {"id": "any", "check": "downtime", "limit": 300, "unit": "s"}
    back = {"id": "RB-2", "check": "recovery time", "limit": 300, "unit": "s"}
    ran = [judged("recovery time", "pass"), judged("downtime", "fail")]
    scenarios = [{"runbook": "RB-2", "outcome": "fail", "verdicts": ran},
                 {"runbook": "RB-5", "outcome": "pass", "verdicts": []}]  # fmt: skip
    table = objectives({"objectives": [late, back], "scenarios": scenarios})
    assert [(o["outcome"], o["drilled"]) for o in table] == [("fail", 1), ("pass", 1)]


def test_objective_is_not_met_by_a_scenario_that_passed_without_measuring_it():
    started = {"id": "RB-1", "check": "startup", "limit": 30, "unit": "s"}
    passed = {"runbook": "RB-1", "outcome": "pass", "verdicts": []}
    cut_short = passed | {"outcome": "unknown"}
    table = [objectives({"objectives": [started], "scenarios": scenarios})[0]
             for scenarios in ([passed], [passed, cut_short])]  # fmt: skip
    assert [(o["outcome"], o["drilled"]) for o in table] == [(None, 0), ("unknown", 1)]


def test_objective_of_any_scenario_is_judged_by_every_check_that_it_limits():
    fast = {"id": "any", "check": "search p90", "limit": 500, "unit": "ms"}
    ran = [{"check": name, "outcome": outcome, "limit": 500, "unit": "ms"}
           for name, outcome in (("search p90 cold", "pass"), ("get by id p90", "fail"))]  # fmt: skip
    record = {"objectives": [fast], "scenarios": [{"runbook": "RB-6", "verdicts": ran}]}
    assert objectives(record)[0]["outcome"] == "fail"


def test_the_outage_ends_with_the_recovery():
    client = [{"from_s": 0, "to_s": 10, "result": "right"},
            {"from_s": 10, "to_s": 17, "result": "error"},
            {"from_s": 30, "to_s": 37, "result": "error"}]  # fmt: skip
    timed = scenario(client=client, strike_s=11, recovered_s=17.5)
    assert outage(timed) == "6 s (6 s error)"
    assert outage(timed | {"recovered_s": None}) == "13 s (13 s error)"
    assert outage({}) == "not measured"


def test_an_unknown_drill_says_which_scenario_and_what_was_left_out():
    text = Reader(render("unknown")).text
    assert "snapshot is restored (volume-lost-export)" in text
    assert "nobody saw it" in text
    assert "RB-1 is required and was not drilled" in text


def test_drills_of_another_target_are_not_in_the_trend():
    other = history(1)[0] | {"target": "staging", "finished_at": "2020-01-02T03:04:05Z"}
    assert "2 Jan 2020" in page(green(), [other | {"target": "process"}])
    assert "2 Jan 2020" not in page(green(), [other])


def test_synthetic_data_is_called_synthetic_on_the_first_screen():
    for origin, sentence in ((False, "Synthetic data."), (True, "Production backup."),
                          (None, "Data of unknown origin.")):  # fmt: skip
        record = green()
        for drilled in record["scenarios"]:
            drilled["production_origin"] = origin
        text = Reader(page(record)).text
        assert sentence in text[: text.index("Recovery time")]


def test_the_auditor_finds_who_when_what_and_the_hashes():
    text = Reader(render("red")).text
    for wanted in ("ci-bot", "data team", "head of platform", "SOC 2 A1.3", "snap-20261125T073941Z",
                   "OPS-811", "Linus Search", "2026-12-09", "RB-4 was drilled without a witness",
                   "0123456789abcdef", "ab" * 32, digest(red()["artifacts"])):  # fmt: skip
        assert wanted in text


def test_what_the_record_does_not_say_is_named():
    text = Reader(page({})).text
    for wanted in ("who ran the drill", "who witnessed it", "the backup's origin", "not measured"):
        assert wanted in text
    assert not re.search(r"\b(None|nan|Undefined)\b", text)


def test_a_record_of_today_without_the_new_fields_is_proven_with_its_own_numbers():
    new = {"production_origin", "disaster", "backup", "client", "commands", "next_step", "log_tail"}
    old = {key: green()[key] for key in (
        "schema", "run_id", "outcome", "target", "versions", "started_at", "finished_at",
        "embedder", "required", "not_covered", "artifacts")}  # fmt: skip
    old["scenarios"] = [
        {key: value for key, value in full.items() if key not in new}
        for full in green()["scenarios"]
    ]
    text = Reader(page(old)).text
    assert "RESTORE PROVEN" in text
    assert "37.5 s within the limit of 300 s" in text
    assert "None" not in text
    assert "Exceptions Not recorded" in text


@pytest.mark.parametrize(("share", "is_heavy"), [(4.2, False), (10.0, True)])
def test_the_page_says_what_the_prober_cost_and_when_that_is_a_tenth_of_the_machine(
    share, is_heavy
):
    record = green()
    record["scenarios"][0]["prober"] = {
        "ticks": 80, "cores": 2, "start_s": 0.4, "share_percent": share, "late_p50_ms": 0.2,
        "late_p99_ms": 3.0, "late_max_ms": 12.5,
    }  # fmt: skip
    text = Reader(page(record)).text
    assert f"The prober took {share} % of 2 cores; its ticks began 0.2 ms late (median)" in text
    assert ("a tenth of the machine or more" in text) == is_heavy
    screen = Console(file=io.StringIO(), width=200)
    print_summary(record, "reports/x", screen)
    assert ("beware: the prober itself took" in screen.file.getvalue()) == is_heavy


# ---- how it is made -----------------------------------------------------------------------------
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


@pytest.mark.parametrize("odd", [None, 7, "text", [], [None], {}, {"a": []}, True, float("nan")])
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


def test_the_list_of_files_is_pinned_by_one_hash_that_sha256sum_would_give():
    lines = "".join(f"{a['sha256']}  {a['path']}\n" for a in green()["artifacts"])
    assert digest(green()["artifacts"]) == hashlib.sha256(lines.encode()).hexdigest()


def test_rendering_changes_nothing_and_is_the_same_twice():
    record, before = red(), json.dumps(red())
    assert page(record, history()) == page(record, history())
    assert json.dumps(record) == before
