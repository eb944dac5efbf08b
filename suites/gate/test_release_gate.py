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
def test_database_is_healthy_and_holds_enough_records(drill, chroma, settings):
    """Every collection answers as its own records say, and there are enough of them."""
    seen = live.observe(chroma, [Scope()])
    drill.judge(*judge(seen, None))
    drill.judge(
        at_least(
            "expected records",
            sum(seen.counts.values()),
            settings.drill.min_records,
            unit="records",
        )
    )


@pytest.mark.runbook("RB-6")
def test_search_is_fast_enough(drill, chroma, objectives):
    """The 90th percentile of 200 searches and more is under its limit."""
    own = self_queries(chroma, [Scope()], QUESTIONS)
    samples = time_answers(chroma, own.right, objectives.search_samples)
    drill.judge(finds_own_records(own.tried, len(own.right), own.missed))
    drill.judge(p90_under(samples, objectives.search_p90_ms, at_least=objectives.search_samples))


@pytest.mark.runbook("RB-2")
@pytest.mark.needs("restart")
@pytest.mark.needs("volume")
@pytest.mark.needs("snapshot")
def test_small_restore_is_proven(drill, outage):
    """One snapshot, one silent disaster, one restore, the whole check suite twice."""
    snapshot = drill.backup(drill.ops("snapshot"))
    injection = outage.inject(SEGMENT_DELETED)
    for words in (("stop",), ("restore", snapshot.id), ("start",)):
        drill.ops(*words)
    drill.prove(snapshot.fingerprint)
    drill.judge(disaster_seen(injection))
