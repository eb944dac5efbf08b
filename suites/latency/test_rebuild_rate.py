"""RB-6: how many rows a second a rebuild takes, without the model; that one is measured by itself."""

import pytest

from chromadrill.checks.objectives import at_least
from chromadrill.checks.suite import outcome_of
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.rebuild import rebuild
from chromadrill.recovery.rebuild_task import RebuildTask
from chromadrill.recovery.scaling import CostlessModel
from chromadrill.recovery.sources.postgresql import open_table
from chromadrill.workload.data.labelled_questions import (
    create_source_schema,
    drop_source_schema,
    library,
)

pytestmark = [pytest.mark.latency, pytest.mark.runbook("RB-6")]

ROWS, ROUNDS = 500, 3


def test_rebuild_of_rows_is_timed_and_proven(postgresql, drill, chroma, benchmark, run_name):
    """What PostgreSQL, Chroma and the proof take of a rebuild; every round is proven."""
    import psycopg

    schema = f"drill_{run_name}"
    name = f"drill-{run_name}-rebuilt"
    is_proven = []

    def once(source):
        result = rebuild(chroma, source, CostlessModel(384), RebuildTask(Scope(), name))
        is_proven.append(outcome_of(result.verdicts) is Outcome.PASS and result.embedded == ROWS)

    def delete_collection():
        if any(info.name == name for info in chroma.collections(Scope())):
            chroma.delete_collection(Scope(), name)
        return (source,), {}

    with psycopg.connect(postgresql, autocommit=True) as connection:
        create_source_schema(connection, schema, library(ROWS))
        try:
            table = SourceTable(table=f"{schema}.manual_content")
            with open_table(postgresql, table) as source:
                benchmark.pedantic(once, setup=delete_collection, rounds=ROUNDS)
        finally:
            drop_source_schema(connection, schema)
    delete_collection()
    took_s = benchmark.stats.stats.data if benchmark.stats else []
    benchmark.extra_info["rows_per_s"] = rates = [round(ROWS / s, 1) for s in took_s]
    drill.note("rebuild rate", rows_per_s=rates)
    drill.judge(at_least("rebuilds proven", sum(is_proven), ROUNDS, unit="rebuilds"))
