"""A ledger of one scenario at most, its record, and what the terminal says of it."""

from io import StringIO

import jsonschema
import orjson
import pytest
from rich.console import Console

from chromadrill.evidence import record as records
from chromadrill.evidence.ledger import Ledger
from chromadrill.evidence.report.markdown import print_summary


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "evidence.jsonl")
    ledger.write("run started", run_id="r", target={"name": "process"}, required=["RB-5"])
    return ledger


def pass_a_scenario(ledger, message="all there"):
    ledger.write("scenario started", scenario="s", runbook="RB-5", title="all is there")
    ledger.write(
        "verdict",
        scenario="s",
        verdict={"check": "inventory", "outcome": "pass", "actual": None, "limit": None,
                 "unit": None, "message": message},
    )  # fmt: skip
    ledger.write("scenario finished", scenario="s", error=None)


def built(ledger):
    ledger.write("run finished", exit_status=1, cleanup={"status": "done", "detail": "all gone"})
    record = records.build_record(ledger.path)
    schema = orjson.loads(records.JSON_SCHEMA.read_bytes())
    jsonschema.validate(record, schema)
    return record


def terminal(record):
    text = StringIO()
    print_summary(record, "reports/r", Console(file=text, width=100))
    return text.getvalue()
