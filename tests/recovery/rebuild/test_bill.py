"""The bill: what it says, and who is asked before it is paid."""

import io

import pytest

from chromadrill.commands.bill_agreement import agree
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.embedding.bill import Bill, bill_of
from chromadrill.embedding.function_model import FunctionModel, Way
from chromadrill.recovery.estimate import Estimate
from chromadrill.recovery.sources.rows import Row
from tests.embedding.servers import WordModel
from tests.recovery.rebuild.hash_model import HashModel

LIMIT = 1_000_000
LARGE = Bill(
    "openai/m", "https://api.example", documents=120_000, characters=30_000_000, tokens=7_500_000,
    is_metered=True, measured=60, seconds=5400,
)  # fmt: skip


class Terminal(io.StringIO):
    """A standard input with somebody at it."""

    def isatty(self):
        return True


def own_model(**way):
    return FunctionModel(
        WordModel().embed, name="own", revision="1", configuration_sha256="0", way=Way(**way)
    )


def test_bill_says_documents_characters_tokens_and_minutes():
    assert LARGE.sentence() == (
        "To embed by openai/m at https://api.example: 120,000 documents, 30,000,000 characters,"
        " about 7,500,000 tokens; about 90 minutes at 22.2 documents a second (measured on 60)."
    )


@pytest.mark.slow
def test_minutes_are_those_of_the_first_documents_or_of_the_limit_whichever_is_more():
    assert bill_of(own_model(), 3000, 600_000, measured=30, took_s=3).seconds == 300
    slow = own_model(documents_per_minute=100)
    assert bill_of(slow, 3000, 600_000, measured=30, took_s=3).seconds == 1800
    assert bill_of(own_model(), 3000, 600_000, measured=30, took_s=3, processes=4).seconds == 75
    assert bill_of(own_model(), 3, 600).seconds is None


def test_tokens_are_a_quarter_of_the_characters_until_a_service_has_counted_some():
    model = own_model()
    assert bill_of(model, 10, 4000).tokens == 1000
    model.usage.count_documents(5, 1000)
    model.usage.count_request(500, "")
    assert bill_of(model, 10, 4000).tokens == 2000


def test_what_runs_on_this_machine_is_never_asked_for(capsys):
    bill = bill_of(HashModel(), 10_000_000, 10**10, measured=10, took_s=1)
    agree(bill, LIMIT, yes=False)
    assert "10,000,000 documents" in capsys.readouterr().err


def test_nobody_at_a_terminal_and_no_yes_is_a_usage_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UsageError, match=r"above .* = 1,000,000.*Nothing was emb.*--yes"):
        agree(LARGE, LIMIT, yes=False)
    with pytest.raises(UsageError, match=r"kept in docs\.rebuilding.*the rest"):
        agree(LARGE, LIMIT, yes=False, kept_in="docs.rebuilding")
    agree(LARGE, LIMIT, yes=True)
    agree(LARGE, 7_500_000, yes=False)


@pytest.mark.parametrize("word", ["y", "n"])
def test_somebody_at_a_terminal_is_asked(monkeypatch, capsys, word):
    monkeypatch.setattr("sys.stdin", Terminal(f"{word}\n"))
    if word == "y":
        agree(LARGE, LIMIT, yes=False)
    else:
        with pytest.raises(Unavailable, match=r"Not embedded.*kept in docs\.rebuilding"):
            agree(LARGE, LIMIT, yes=False, kept_in="docs.rebuilding")
    assert (
        "That is above [embedding] ask_above_tokens = 1,000,000. Embed?" in capsys.readouterr().err
    )


def test_first_documents_are_as_long_as_all_are():
    estimate = Estimate(30)
    rows = [Row(str(n), "x" * n, None, None) for n in range(1, 1001)]
    for start in range(0, 1000, 100):
        estimate.add(rows[start : start + 100])
    assert (estimate.documents, estimate.characters, len(estimate.first)) == (1000, 500_500, 30)
    mean = sum(len(row.content) for row in estimate.first) / 30
    assert 350 < mean < 650
    assert len({row.id for row in estimate.first}) == 30


def test_documents_that_are_few_are_not_timed_first():
    estimate = Estimate(30)
    estimate.add([Row("a", "text", None, None)])
    assert (estimate.documents, estimate.first) == (1, [])
