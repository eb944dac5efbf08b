"""The record for GitHub and for a chat."""

import json

import pytest

from chromadrill.evidence.report.ci import annotations, slack
from tests.evidence.plain_records import record, scenario, verdict

FAILED = verdict("records", "fail", "3 records missing")
SLOW = verdict("recovery time", "fail", "too slow", 412.34, 300.0, "s")
SEEN = verdict("disaster seen", "pass")


# ---- annotations --------------------------------------------------------------------------------
def test_green_run_has_no_annotation():
    assert annotations(record("pass", [scenario(verdicts=[SEEN])])) == []


def test_failed_verdict_is_an_error_and_unknown_a_warning():
    commands = annotations(
        record(
            "fail", [scenario("fail", [SEEN, FAILED, verdict("recall", "unknown", "no answer")])]
        )
    )
    assert commands == [
        "::error title=NOT PROVEN::Restore drill of target process,"
        " run 20260101T000000Z-process-abc.",
        "::error title=RB-2 snapshot is restored%3A records FAIL::3 records missing",
        "::warning title=RB-2 snapshot is restored%3A recall UNKNOWN::no answer",
    ]


def test_run_that_could_not_tell_is_an_error_although_nothing_failed():
    (first, *_) = annotations(record("unknown", [], not_covered=["RB-2: required, not run"]))
    assert first.startswith("::error title=COULD NOT TELL::")


def test_what_was_not_covered_is_a_warning_even_in_a_green_run():
    commands = annotations(
        record("pass", [scenario(verdicts=[SEEN])], not_covered=["RB-4: skipped"])
    )
    assert commands == ["::warning title=not covered::RB-4: skipped"]


def test_scenario_that_crashed_is_told():
    commands = annotations(record("unknown", [scenario("unknown", error="OSError: disk")]))
    assert (
        "::warning title=RB-2 snapshot is restored%3A did not end well::OSError: disk" in commands
    )


def test_hostile_text_stays_one_command_and_comes_back_as_it_was():
    text = "100 % of a,b:c\r\n::error::forged"
    lines = annotations(record("fail", [scenario("fail", [verdict(text, "fail", text)])]))
    assert all(line.count("\n") == line.count("\r") == 0 for line in lines)
    properties, message = lines[1].removeprefix("::error title=").split("::", 1)
    assert message == "100 %25 of a,b:c%0D%0A::error::forged"
    assert properties.endswith("100 %25 of a%2Cb%3Ac%0D%0A%3A%3Aerror%3A%3Aforged FAIL")


def test_more_than_github_shows_are_counted_instead_of_dropped():
    many = [verdict(f"check {n}", "fail") for n in range(30)]
    commands = annotations(record("fail", [scenario("fail", many)]))
    assert len(commands) == 10
    assert commands[-1] == "::error title=and more::22 more are in report.md"


# ---- chat ---------------------------------------------------------------------------------------
def text_of(message):
    return "\n".join(block["text"]["text"] for block in message["blocks"])


def test_chat_message_has_verdict_table_recovery_against_limit_and_root_hash():
    message = slack(
        record("fail", [scenario("fail", [SEEN, FAILED, SLOW])]), "ab" * 32, "https://x/1"
    )
    assert message["text"] == "NOT PROVEN: target process"
    assert message["blocks"][0]["text"]["text"] == "NOT PROVEN"
    assert "412.3 s of 300 s  snapshot is restored: records, recovery time" in text_of(message)
    assert f"Root SHA-256 `{'ab' * 32}`  <https://x/1|Report>" in text_of(message)


def test_chat_message_copes_with_a_record_that_has_a_summary():
    summary = {
        "recovery_time_s": 13.7,
        "recovery_limit_s": 300,
        "data_loss_s": None,
        "data_loss_limit_s": 86400,
        "records_total": 5909,
        "records_lost": 3,
        "records_altered": None,
        "records_extra": 0,
    }
    text = text_of(slack(record("pass", [scenario(verdicts=[SEEN])], summary=summary), "00"))
    assert "recovery time (RTO) 13.7 s of 300 s; 3 of 5,909 records lost, altered or extra" in text


def test_chat_message_says_what_was_lost_where_nothing_may_be_lost():
    summary = {"data_loss_s": 3600.0, "data_loss_limit_s": 0.0}
    text = text_of(slack(record("fail", [scenario("fail")], summary=summary), "00"))
    assert "data loss (RPO) 3600.0 s of 0 s" in text


def test_chat_message_names_checks_and_never_quotes_records():
    private = verdict("records", "fail", "changed document (was Ada's diagnosis, is nothing)")
    assert "diagnosis" not in json.dumps(slack(record("fail", [scenario("fail", [private])]), "00"))


def test_chat_message_cannot_mention_link_or_leave_its_code_block():
    hostile = "<!channel> ``` <https://evil|x> & more"
    text = text_of(slack(record("fail", [scenario("fail", title=hostile)]), "00"))
    assert "<!channel>" not in text
    assert "<https" not in text
    assert text.count("```") == 2


@pytest.mark.parametrize("count", [0, 1, 60, 500])
def test_no_block_is_longer_than_slack_takes_and_there_are_fewer_than_fifty(count):
    step = {"meaning": "m" * 400, "command": "n" * 500}
    long = [
        scenario("fail", [verdict("x" * 90, "fail")] * 9, title="t" * 200, next_step=step)
        for _ in range(count)
    ]
    message = slack(record("fail", long, not_covered=["g" * 4000] * 20), "00")
    assert all(len(block["text"]["text"]) < 3000 for block in message["blocks"])
    assert len(message["blocks"]) < 50


def test_worst_scenario_comes_first_because_a_long_table_is_cut():
    good = [scenario(title=f"good {n}") for n in range(70)]
    text = text_of(slack(record("fail", [*good, scenario("fail", title="the bad one")]), "00"))
    assert text.index("the bad one") < text.index("good 0")
    assert "and 11 more" in text
