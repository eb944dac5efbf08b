"""The embedding step by workers, without a server: what comes back, and whose word is not taken."""

import re
from functools import partial

import numpy as np
import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.process_tags import is_gone
from chromadrill.recovery.sources.rows import Row
from chromadrill.recovery.workers import processes
from chromadrill.recovery.workers.canary import Canary
from chromadrill.recovery.workers.plan import WorkerPlan, workers_named
from chromadrill.recovery.workers.tasks import TaskResult, WorkerSetup, document_digest
from tests.recovery.rebuild.hash_model import HashModel
from tests.recovery.rebuild.worker_models import (
    Halting,
    LoggedModel,
    Mortal,
    Odd,
    odd_one,
    texts_of,
    unloadable,
)

SAME = 0.9999
ROWS = [Row(f"r{n}", f"document {n}") for n in range(40)]


def embedded_by_workers(load, lines, count=2, rows=ROWS):
    """id -> vector, and what each worker did."""
    batches, vectors = [rows[at : at + 8] for at in range(0, len(rows), 8)], {}
    with WorkerPlan(count, WorkerSetup(load), lines.append).step(HashModel(), SAME) as step:
        for batch in batches:
            for pair in step.put(batch, None):
                vectors |= {row.id: vector for row, vector in zip(*pair, strict=True)}
        for pair in step.rest():
            vectors |= {row.id: vector for row, vector in zip(*pair, strict=True)}
    return vectors, step.shares


def assert_all(vectors, rows=ROWS):
    assert set(vectors) == {row.id for row in rows}
    model = HashModel()
    for row in rows:
        assert vectors[row.id] == pytest.approx(model.vector(row.content))


def test_workers_hand_back_the_vectors_of_every_row(tmp_path):
    lines = []
    vectors, shares = embedded_by_workers(partial(LoggedModel, tmp_path), lines)
    assert_all(vectors)
    assert sum(share.documents for share in shares.values()) == len(ROWS)
    assert sorted(text for log in texts_of(tmp_path) for text in log) == sorted(
        row.content for row in ROWS
    )
    assert re.search(
        r"worker [12] of 2 \(pid \d+\) is ready: the model was loaded in", "\n".join(lines)
    )


def result_of(vectors, rows=ROWS, model=None, digests=None):
    own = model or HashModel()
    identity = {"embedding_model": own.name, "embedding_weights_sha256": own.weights_sha256,
                "embedding_dimension": own.dimension, "embedding_revision": "elsewhere"}  # fmt: skip
    digests = digests or tuple(document_digest(row.content) for row in rows)
    return TaskResult(1, "worker 1", vectors=vectors, digests=digests, identity=identity)


def right(rows=ROWS):
    return HashModel().embed([row.content for row in rows])


def changed(at, value):
    vectors = right()
    vectors[at] = value
    return vectors


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (result_of(right(), model=HashModel("other")), "its model is another: embedding_weights"),
        (result_of(np.hstack([right(), right()])), r"shape \(40, 32\), wanted \(40, 16\)"),
        (result_of(right()[:-1]), r"shape \(39, 16\), wanted \(40, 16\)"),
        (result_of(changed((7, 3), np.nan)), "vector of 'r7' has no direction"),
        (result_of(changed((7, 3), np.inf)), "vector of 'r7' has no direction"),
        (result_of(changed(39, 0)), "vector of 'r39' has no direction"),
        (
            result_of(HashModel("other").embed([r.content for r in ROWS])),
            "is not the model's: cosine",
        ),
        (result_of(right()[::-1]), "is not the model's: cosine"),
        (result_of(right(), digests=(b"x",) * 40), "another document under 'r0'"),
    ],
    ids=range(9),
)
def test_what_is_wrong_with_a_task_is_said(result, reason):
    assert re.search(reason, Canary(HashModel(), SAME).fault(ROWS, result) or "nothing")


def test_nothing_is_wrong_with_the_vectors_of_the_same_model_from_another_folder():
    assert Canary(HashModel(), SAME).fault(ROWS, result_of(right() * np.float32(1 + 1e-7))) is None


def test_one_document_of_each_later_task_is_embedded_again_here():
    model = HashModel()
    canary = Canary(model, SAME)
    for _ in range(5):
        assert canary.fault(ROWS, result_of(right())) is None
    assert len(model.texts) == 4 + 4 * 1


@pytest.mark.parametrize("way", ["same width", pytest.param("fails", marks=pytest.mark.slow)])
def test_odd_worker_is_named_and_the_other_does_its_share(tmp_path, way):
    lines = []
    vectors, shares = embedded_by_workers(partial(odd_one, tmp_path, way), lines)
    assert_all(vectors)
    assert [share.documents for share in shares.values() if share.refused] == [0]
    (line,) = (line for line in lines if "is not asked any more" in line)
    assert ("cosine" in line) == (way == "same width")
    assert ("RuntimeError: no memory on the device" in line) == (way == "fails")
    assert line.endswith("1 worker left.")


@pytest.mark.slow
def test_worker_that_cannot_load_the_model_leaves_the_work_to_the_other(tmp_path):
    vectors, shares = embedded_by_workers(partial(unloadable, tmp_path, 1), [])
    assert_all(vectors)
    assert len(shares) == 1


@pytest.mark.slow
def test_killed_worker_is_replaced_and_its_batch_given_on(tmp_path):
    lines = []
    vectors, _ = embedded_by_workers(partial(Mortal, tmp_path, 2), lines)
    assert_all(vectors)
    assert sum("SIGKILL: another takes its place" in line for line in lines) == 2


@pytest.mark.slow
def test_worker_of_whom_nothing_is_heard_is_ended_and_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STALLED_S", 3.0)
    lines = []
    vectors, _ = embedded_by_workers(partial(odd_one, tmp_path, "freezes"), lines)
    assert_all(vectors)
    assert any("nothing heard for 3 s. It is ended." in line for line in lines)
    assert any("SIGKILL: another takes its place" in line for line in lines)


@pytest.mark.slow
def test_documents_that_cannot_be_embedded_are_named(tmp_path):
    with pytest.raises(Unavailable, match="'r16' to 'r23' could not be embedded, 3 times: Value"):
        embedded_by_workers(partial(Odd, tmp_path, "poison"), [])


def test_what_a_service_answered_before_it_failed_is_embedded_once(tmp_path):
    vectors, shares = embedded_by_workers(partial(Halting, tmp_path), [])
    assert_all(vectors)
    assert sorted(text for log in texts_of(tmp_path) for text in log) == sorted(
        row.content for row in ROWS
    )
    assert sum(share.documents for share in shares.values()) == len(ROWS)


def test_what_a_service_answered_is_handed_over_before_its_failure_is_raised(tmp_path):
    setup, batches = WorkerSetup(partial(Halting, tmp_path, for_good=True)), []
    with WorkerPlan(1, setup).step(HashModel(), SAME) as step:
        batches += step.put(ROWS[:8], None)
        with pytest.raises(Unavailable, match="3 times: The service does not answer"):
            batches.extend(step.rest())
    assert [row for rows, _ in batches for row in rows] == ROWS[:8:2]


@pytest.mark.slow
def test_when_no_worker_is_left_each_is_named_with_its_reason(tmp_path):
    with pytest.raises(Unavailable, match=r"No worker is left of 2: worker \d: its vector"):
        embedded_by_workers(partial(Odd, tmp_path, "nan"), [])


@pytest.mark.slow
def test_workers_end_with_the_step_even_in_the_midst_of_their_work(tmp_path):
    plan = WorkerPlan(1, WorkerSetup(partial(LoggedModel, tmp_path)))
    with plan.step(HashModel(), SAME) as step:
        list(step.put(ROWS[:8], None))
        list(step.put(ROWS[8:16], None))
    (pid,) = (int(path.name.removeprefix("log-")) for path in tmp_path.glob("log-*"))
    wait_until(lambda: is_gone(pid), within_s=60, name="the worker's end")


@pytest.mark.parametrize("text", ["0", "-1", "two", "257", "http://127.0.0.1:8786", ""])
def test_what_is_no_number_of_workers_and_no_scheduler_is_a_usage_error(text):
    with pytest.raises(UsageError, match=r"--workers .*tcp://HOST:8786"):
        workers_named(text)
    assert workers_named("2") == 2
    assert workers_named("tcp://127.0.0.1:8786") == "tcp://127.0.0.1:8786"
