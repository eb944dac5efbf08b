"""The forecast of a rebuild, from the ledger into the record and onto the page."""

import json

import jsonschema
import pytest

from chromadrill.checks.rebuild_parts import Range, RebuildParts, forecast_json
from chromadrill.evidence import record
from chromadrill.evidence.ledger import Ledger
from chromadrill.evidence.report.forecast_table import forecast_table
from chromadrill.evidence.report.html import page
from tests.evidence.page_reader import Reader
from tests.evidence.sample_records import green

PARTS = RebuildParts(
    Range(0.024, 0.03), Range(0.0008, 0.0012), 600, Range(1e-4, 2e-4), Range(0.002, 0.004)
)
SOURCE = {"name": "manual_content", "records": 345_678,
          "length_p10": 80, "length_p50": 240, "length_p90": 900}  # fmt: skip


def built(tmp_path, *forecasts):
    ledger = Ledger(tmp_path / "evidence.jsonl")
    ledger.write("run started", run_id="r", target={"name": "process"}, versions={}, required=[])
    for forecast in forecasts:
        ledger.write("forecast", scenario="s", **forecast)
    ledger.write("run finished", exit_status=0)
    drill = record.build_record(ledger.path)
    jsonschema.validate(drill, json.loads(record.JSON_SCHEMA.read_text()))
    return drill["summary"]["forecast"]


def test_last_forecast_of_a_run_is_in_its_record(tmp_path):
    early, late = (forecast_json(PARTS, records, SOURCE) for records in (None, 345_678))
    assert built(tmp_path, early, late) == late


def test_run_without_a_forecast_has_none(tmp_path):
    assert built(tmp_path) is None


def test_page_has_the_minutes_and_the_bound_of_each_size_and_number_of_workers():
    drill = green()
    drill["summary"]["forecast"] = forecast_json(PARTS, 345_678, SOURCE)
    text = Reader(page(drill)).text
    assert "345,678 records: " in text
    assert "not measured" not in text.split("At production size")[1][:200]
    for part in ("10,000,000", "99 %", "32 workers", "embedding", "the one writer"):
        assert part in text.split("A rebuild at other sizes")[1], part
    assert "24-30 ms to embed a document" in text
    assert "80, 240, 900 characters" in text


@pytest.mark.parametrize(
    "forecast",
    [None, 7, "x", {"text": "40 min"}, {"rows": "x"}, {"rows": [{}, 3, {"records": "many"}]}],
    ids=str,
)
def test_forecast_of_another_shape_has_no_table(forecast):
    assert forecast_table({"summary": {"forecast": forecast}}) is None


def test_row_whose_figures_are_missing_is_left_out_and_the_rest_is_shown():
    rows = [{"records": 10, "workers": 1, "low_s": 60, "high_s": 120, "bound": "embedding"},
            {"records": 10, "workers": 8, "low_s": None}]  # fmt: skip
    table = forecast_table({"summary": {"forecast": {"rows": rows, "measured": []}}})
    assert table.lines == [("10", "none", ["1.0-2.0 min: embedding"])]
    assert "not recorded" in table.measured
