"""The end of a run on the terminal: it fits a narrow one."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from chromadrill.evidence.record import build_record
from chromadrill.evidence.report.markdown import print_summary

LEDGER = Path(__file__).with_name("ledgers") / "nine-scenarios-green.jsonl"


@pytest.mark.parametrize("width", [80, 120])
def test_table_fits_the_terminal_and_breaks_no_word(width):
    text = StringIO()
    print_summary(build_record(LEDGER), "reports/r", Console(file=text, width=width))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any("(sqlite-corrupted-volume-copy)" in line for line in lines)
