"""The release gate: is this target healthy, full, fast, and can a small restore be proven?"""

import pytest

from chromadrill.checks.latency import finds_own_records
from chromadrill.checks.objectives import at_least, disaster_seen, p90_under
from chromadrill.checks.suite import judge
from chromadrill.chroma.fingerprint import live
from chromadrill.core.model import Scope
from chromadrill.disasters.files import SEGMENT_DELETED
from chromadrill.workload.queries.known_answer import QUESTIONS
from chromadrill.workload.queries.latency import time_answers
from chromadrill.workload.queries.self_queries import self_queries

pytestmark = [pytest.mark.gate]


@pytest.mark.runbook("RB-5")
def test_database_is_healthy_and_holds_enough_records(drill, chroma, settings, user_questions):
    """Every collection answers as its own records say, and your questions; there are enough records."""
    observation = live.observe(chroma, [Scope()])
    records = sum(observation.counts.values())
    drill.judge(
        *judge(observation, None),
        at_least("expected records", records, settings.drill.min_records, unit="records"),
        *(user_questions.verdicts(chroma) if user_questions else ()),
    )


@pytest.mark.runbook("RB-6")
def test_search_is_fast_enough(drill, chroma, objectives):
    """The 90th percentile of 200 searches and more is under its limit."""
    questions = self_queries(chroma, [Scope()], QUESTIONS)
    samples = time_answers(chroma, questions.right, objectives.search_samples)
    drill.judge(
        finds_own_records(
            questions.tried,
            len(questions.right),
            questions.missed,
            unreached=len(questions.unreached),
        ),
        p90_under(samples, objectives.search_p90_ms, at_least=objectives.search_samples),
    )


@pytest.mark.runbook("RB-2")
@pytest.mark.needs("restart")
@pytest.mark.needs("volume")
@pytest.mark.needs("snapshot")
def test_small_restore_is_proven(drill, outage):
    """One snapshot, one silent disaster, one restore, the whole check suite twice."""
    snapshot = drill.backup(drill.ops("snapshot"))
    injection = outage.inject(SEGMENT_DELETED)
    drill.ops("stop")
    drill.ops("restore", snapshot.id)
    drill.ops("start")
    drill.prove(snapshot.fingerprint)
    drill.judge(disaster_seen(injection))
