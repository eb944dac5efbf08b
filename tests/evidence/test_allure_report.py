"""Allure's page asks no other machine for anything, or there is no page."""

import base64
import importlib.util
import json
import re
import stat
from pathlib import Path

import pytest

from chromadrill.core.model import Verdict
from chromadrill.drill.scenario_log import DrillFailed, DrillUnknown, ScenarioLog
from chromadrill.evidence.ledger import Ledger
from fixtures.allure_extras import CATEGORIES, executor, write_extras
from tests.evidence.plain_records import record, scenario, verdict

ROOT = Path(__file__).parents[2]
ANALYTICS = re.compile(r"google-analytics|googletagmanager|gtag\(|G-[A-Z0-9]{6,}")
# what allure 3.18.0 writes, word for word
BLOCKS = """
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-LNDJ3J7WT0"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
        gtag('js', new Date());
        gtag('config', 'G-LNDJ3J7WT0', {
          "report": "awesome",
          "reportUuid": "fc418173-4895-4e5a-b863-b30626bd3108"
        });
    </script>
"""
APP = "<script>window.allure = window.allure || {};</script>"


def load():
    spec = importlib.util.spec_from_file_location("allure_report", ROOT / "ci/allure_report.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load()


def page(*, body="", app=APP):
    return f"<!DOCTYPE html>\n<html>\n<head>\n</head>\n<body>{app}{BLOCKS}{body}</body></html>"


def data(text):
    encoded = base64.b64encode(text.encode()).decode()
    return f'<script   src="data:text/javascript;base64,{encoded}"></script>'


# ---- cleaning -----------------------------------------------------------------------------------
def test_analytics_are_gone_and_the_report_is_still_there():
    assert ANALYTICS.search(page())
    cleaned = tool.clean(page(body=data("render()")))
    assert not ANALYTICS.search(cleaned)
    assert APP in cleaned
    assert data("render()") in cleaned


def test_browser_is_told_to_refuse_whatever_we_do_not_know_of():
    assert "<head>\n    <meta http-equiv=" in tool.clean(page())
    assert "default-src 'none'" in tool.clean(page())
    assert "http" not in tool.POLICY


@pytest.mark.parametrize(
    "trace",
    [
        '<img src="https://www.google-analytics.com/collect?v=1">',
        "<noscript>G-LNDJ3J7WT0</noscript>",
        '<button onclick="gtag()">',
        '<script src="https://cdn.test/other-analytics.js"></script>',
        "<link href='//fonts.test/a.css' rel=stylesheet>",
        '<base href="https://elsewhere.test/">',
        "<script>gtag('js') // a block without an end",
    ],
)
def test_trace_that_is_left_after_cleaning_means_no_report(trace):
    with pytest.raises(tool.NoReport):
        tool.clean(page(body=trace))


@pytest.mark.parametrize("code", ["gtag('js')", "load('https://www.googletagmanager.com/x')"])
def test_trace_inside_an_embedded_script_is_found_too(code):
    hidden = data(f"a();{code};b()")
    assert not ANALYTICS.search(hidden)
    with pytest.raises(tool.NoReport, match="after cleaning"):
        tool.clean(page(body=hidden))


def test_page_that_never_had_analytics_is_fine():
    assert APP in tool.clean(f"<html><head></head><body>{APP}</body></html>")


# ---- the command, with an allure that writes what we want ---------------------------------------
@pytest.fixture
def run(tmp_path):
    results = tmp_path / "reports" / "RUN" / "allure-results"
    results.mkdir(parents=True)
    labels = [{"name": "host", "value": "some-machine"}, {"name": "tag", "value": "drill"}]
    (results / "1-result.json").write_text(json.dumps({"name": "t", "labels": labels}))
    return results.parent


def fake_allure(tmp_path, html, code=0):
    """Writes `html` where the settings say, and beside it what it was given."""
    (tmp_path / "page.html").write_text(html)
    command = tmp_path / "allure"
    command.write_text(
        f"#!/bin/sh\nmkdir -p report\ncp {tmp_path}/page.html report/index.html\n"
        f"cat results/*-result.json allurerc.json > {tmp_path}/given\nexit {code}\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return str(command)


def test_report_is_written_beside_the_run_and_never_into_its_sealed_folder(run, tmp_path, capsys):
    before = sorted(run.rglob("*"))
    assert tool.main(["--allure", fake_allure(tmp_path, page()), str(run)]) == 0
    assert not ANALYTICS.search((run.parent / "allure" / "RUN.html").read_text())
    assert sorted(run.rglob("*")) == before
    assert "RUN.html" in capsys.readouterr().out
    assert "some-machine" not in (tmp_path / "given").read_text()


@pytest.mark.parametrize(
    ("html", "code"),
    [(page(body="<noscript>G-LNDJ3J7WT0</noscript>"), 0), (page(), 1), ("", 0)],
    ids=["a trace is left", "allure failed", "the page is empty"],
)
def test_command_fails_and_leaves_no_report(run, tmp_path, capsys, html, code):
    assert tool.main(["--allure", fake_allure(tmp_path, html, code), str(run)]) == 1
    assert not list(run.parent.rglob("*.html"))
    assert capsys.readouterr().err.startswith("no Allure report:")


def test_run_without_results_is_no_report_of_nothing(run, tmp_path, capsys):
    (run / "allure-results" / "1-result.json").unlink()
    assert tool.main(["--allure", fake_allure(tmp_path, page()), str(run)]) == 1
    assert "holds no results" in capsys.readouterr().err


# ---- what a built report holds ------------------------------------------------------------------
def test_built_reports_of_this_checkout_hold_no_analytics():
    """Where `tox run -e allure` was run before; elsewhere there is nothing to look at."""
    for built in (ROOT / "reports" / "allure").glob("*.html"):
        trace = ANALYTICS.search(built.read_text("utf-8"))
        assert not trace, f"{built}: {trace}"


# ---- files beside the results -------------------------------------------------------------------
def category(tmp_path, *verdicts):
    """The category that Allure gives to a scenario that ended with these verdicts."""
    log = ScenarioLog("test_x[a]", Ledger(tmp_path / "evidence.jsonl"))
    log.judge(*verdicts)
    with pytest.raises((DrillFailed, DrillUnknown)) as raised:
        log.conclude()
    return category_of(raised.exconly(), "failed")


def category_of(message, status):
    for category in CATEGORIES:
        matches = re.search(category.get("messageRegex", ""), message)
        if status in category["matchedStatuses"] and matches:
            return category["name"]
    return None


LOST = Verdict.failed("records", "3 missing")
SLOW = Verdict.failed("recovery time", "412 s of 300 s")


@pytest.mark.parametrize(
    ("verdicts", "name"),
    [
        ([SLOW, LOST], "Data lost or altered"),
        ([Verdict.failed("records after one more restart", "x")], "Data lost or altered"),
        ([Verdict.failed("counts (at rest)", "x")], "Data lost or altered"),
        ([SLOW, Verdict.failed("text search", "x")], "Restored, and answers are wrong"),
        ([SLOW], "Objective missed"),
        ([Verdict.failed("data loss", "x")], "Objective missed"),
        ([SLOW, Verdict.unknown("records", "not read: FAIL  FAIL ")], "Objective missed"),
        ([Verdict.failed("a check of next year", "x")], "Another check failed"),
        ([Verdict.unknown("recall", "x")], "Could not tell"),
        ([], "Could not tell"),
    ],
)
def test_failed_scenario_is_sorted_by_its_worst_verdict(tmp_path, verdicts, name):
    assert category(tmp_path, *verdicts) == name


def test_failed_command_of_the_runbook_is_a_category_of_its_own():
    message = "chromadrill.drill.scenario_log.DrillFailed: the runbook's command failed: exit 1"
    assert category_of(message, "failed") == "A command of the runbook failed"


def test_error_of_the_harness_is_no_data_loss():
    assert category_of("OSError: \n  records  FAIL ", "broken") == "Harness or infrastructure"


def test_extras_are_three_files_that_allure_reads(tmp_path):
    run_record = record("pass", [scenario(verdicts=[verdict("disaster seen", "pass")])])
    write_extras(tmp_path, {**run_record, "target": {"name": "Köln: a=b\nc\\d 🦊"}}, {})
    lines = (tmp_path / "environment.properties").read_text("ascii").splitlines()
    assert "verdict=RESTORE PROVEN" in lines
    assert r"target=K\u00f6ln: a=b c\\d \ud83e\udd8a" in lines
    assert json.loads((tmp_path / "executor.json").read_text())["type"] == "local"
    assert json.loads((tmp_path / "categories.json").read_text()) == CATEGORIES


def test_executor_links_to_the_job_that_ran_it():
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.test",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ID": "7",
    }
    assert executor(record(), github)["buildUrl"] == "https://github.test/a/b/actions/runs/7"
    gitlab = {"GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.test/a/-/jobs/9"}
    assert executor(record(), gitlab)["buildUrl"] == "https://gitlab.test/a/-/jobs/9"
