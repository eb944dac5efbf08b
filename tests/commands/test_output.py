"""What a command says of each collection."""

import pytest

from chromadrill.commands.output import collections_json
from chromadrill.core.model import Difference, Verdict

KEY = "default_tenant/default_database/docs"


def outcomes(*verdicts, others=()):
    counts = dict.fromkeys([KEY, *others], 30)
    return {c["name"]: c["outcome"] for c in collections_json(counts, verdicts)}


@pytest.mark.parametrize(
    "longer", [f"{KEY}-2024", f"{KEY}.old", f"{KEY}_2", f"{KEY}2", f"my.{KEY}"]
)
def test_collection_is_not_blamed_for_one_whose_name_holds_its_own(longer):
    verdict = Verdict.failed("counts", f"{longer}: 29 records, 30 before")
    name = longer.rpartition("/")[2]
    assert outcomes(verdict, others=[longer]) == (
        {"docs": "pass", name: "fail"} if name != "docs" else {"docs": "fail"}
    )
    mine = [
        c for c in collections_json({KEY: 30, longer: 29}, [verdict]) if c["tenant"][:2] == "de"
    ]
    assert mine[0]["outcome"] == "pass"


@pytest.mark.parametrize("message", ["{}: 29 records", "lost: {}", "of {}.", "{}, {}-2024", "'{}'"])
def test_collection_that_a_failure_names_is_blamed_also_without_a_difference(message):
    assert outcomes(Verdict.failed("counts", message.format(KEY, KEY)))["docs"] == "fail"
    assert outcomes(Verdict.unknown("counts", message.format(KEY, KEY)))["docs"] == "unknown"


def test_collection_of_a_difference_is_blamed_whatever_the_message_says():
    difference = Difference(KEY, "record", "missing", ("r7",))
    assert outcomes(Verdict.failed("records", "m", differences=(difference,)))["docs"] == "fail"
