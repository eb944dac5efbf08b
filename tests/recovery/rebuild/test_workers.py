"""Workers embed what one process would, whoever of them dies, and nobody's word is taken for it."""

from functools import partial

import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Outcome
from tests.recovery.rebuild.conftest import ROWS
from tests.recovery.rebuild.worker_models import (
    Joined,
    LoggedModel,
    Mortal,
    Odd,
    texts_of,
    unloadable,
)

pytestmark = pytest.mark.slow
MANY = 640
BATCH = 25  # rows of the source read at once: no task is larger


@pytest.fixture
def many(table):
    """More rows, with an index: workers read them."""
    table.sql("truncate manual_content")
    table.sql(
        "insert into manual_content select 'r' || n, 'document ' || n, null"
        f" from generate_series(1, {MANY}) n"
    )
    table.sql("alter table manual_content add primary key (id)")
    return table


def assert_whole(result, table):
    assert outcome_of(result.verdicts) is Outcome.PASS, [v.message for v in result.verdicts]
    assert {i: d for i, (d, _) in table.records().items()} == {
        f"r{n}": f"document {n}" for n in range(1, MANY + 1)
    }
    stored = table.chroma.get(table.collection(), ids=["r7", "r99"], include=("embeddings",))
    for record, vector in zip(stored["ids"], stored["embeddings"], strict=True):
        assert vector == pytest.approx(table.model.vector(f"document {record[1:]}"))


def test_two_workers_embed_each_document_once_and_share_them(many, tmp_path):
    result = many.rebuild(load=partial(Joined, tmp_path))

    assert_whole(result, many)
    logs = texts_of(tmp_path)
    here = result.bill.measured  # those are embedded and timed before a worker is started
    assert len(logs) == 2
    assert len({text for log in logs for text in log}) == sum(map(len, logs)) == MANY - here
    assert sum(share.documents for share in result.workers.values()) == MANY - here
    assert result.embedded == MANY
    # beside those and the proof's 64 with their warm-up, this process embedded only what it checked
    assert len(many.model.texts) <= here + 65 + 2 * 4 + -(-MANY // BATCH)


def test_documents_are_sent_where_no_index_finds_them(table, tmp_path):
    result = table.rebuild(load=partial(LoggedModel, tmp_path))
    assert outcome_of(result.verdicts) is Outcome.PASS
    assert table.records() == {i: (c, m) for i, c, m in ROWS}
    assert table.model.texts  # checked here


@pytest.mark.parametrize("deaths", [1, 2])
def test_worker_that_is_killed_costs_one_batch(many, tmp_path, deaths):
    result = many.rebuild(load=partial(Mortal, tmp_path, deaths))

    assert_whole(result, many)
    assert sum("SIGKILL: another takes its place" in line for line in many.lines) == deaths
    # what was embedded and not handed over: none here, as they died before they embedded it
    assert sum(len(log) for log in texts_of(tmp_path)) <= MANY + deaths * BATCH


def test_documents_over_which_every_worker_dies_are_named_and_the_rest_is_kept(many, tmp_path):
    with pytest.raises(Unavailable, match="3 workers died over the same") as error:
        many.rebuild(load=partial(Mortal, tmp_path, 99, "document 600"))
    assert "same command goes on" in error.value.next_step
    assert many.names() == ["docs.rebuilding"]

    result = many.rebuild(load=partial(LoggedModel, tmp_path / "."))
    assert_whole(result, many)
    assert result.resumed > 0


def test_when_all_workers_are_lost_it_is_said_why_and_the_next_run_goes_on(many, tmp_path):
    with pytest.raises(Unavailable, match=r"No worker is left of 2: worker \d: its vector"):
        many.rebuild(load=partial(Odd, tmp_path, "nan"))
    with pytest.raises(Unavailable, match="The weights are not here") as error:
        many.rebuild(load=partial(unloadable, tmp_path, 2))
    assert "chromadrill fetch-model" in error.value.next_step
    assert "docs" not in many.names()
    assert_whole(many.rebuild(load=partial(LoggedModel, tmp_path)), many)


def test_no_worker_is_started_where_nothing_is_to_be_embedded(many, tmp_path):
    many.rebuild()
    result = many.rebuild(load=partial(Odd, tmp_path, "nan"))
    assert (result.embedded, result.workers, many.lines) == (0, {}, [])
