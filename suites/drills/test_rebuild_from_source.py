"""RB-3: the volume and every backup are gone; the collection is rebuilt from PostgreSQL."""

import pytest

from chromadrill.checks.forecast import forecast
from chromadrill.checks.objectives import disaster_seen, recovery_time
from chromadrill.checks.rebuild import retrieval
from chromadrill.checks.rebuild_parts import forecast_json
from chromadrill.disasters.files import VOLUME_LOST
from chromadrill.recovery.measured_parts import embedding_seconds
from chromadrill.recovery.scaling import embedding_rate
from chromadrill.workload.data.labelled_questions import library
from chromadrill.workload.data.standard import MAIN, Dataset

pytestmark = [
    pytest.mark.drill,
    pytest.mark.runbook("RB-3"),
    # named first: what is not installed is said before a server is started
    pytest.mark.usefixtures("postgresql", "embedder"),
]


@pytest.fixture
def dataset():
    """None: what is lost here comes from the source."""
    return Dataset(())


@pytest.fixture
def target(empty_target):
    """A server without the standard dataset."""
    return empty_target


@pytest.fixture
def known_answers(knowledge):
    """Questions that the collection answers right."""
    return knowledge.known_answers


@pytest.mark.needs("restart")
@pytest.mark.needs("volume")
@pytest.mark.needs("snapshot")
def test_lost_collection_is_rebuilt_from_its_source(drill, outage, chroma, knowledge, objectives):
    """On-call rebuilds the collection from its rows: it is the same knowledge, in time."""
    with drill.given("a source, a collection of its documents, and no backup"):
        assert drill.ops("snapshots") == ""
    with drill.when(f"disaster: {VOLUME_LOST.what}"):
        injection = outage.inject(VOLUME_LOST)
    with drill.when("on-call follows RB-3: rebuild from PostgreSQL, validate"):
        drill.command("rebuild", "--from-postgresql", "--collection-name", MAIN)
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb3_recovery_s)
        drill.command("validate", "--collection-name", MAIN)
    with drill.then("it is the same knowledge and answers, also after a restart"):
        proven = drill.prove(knowledge.fingerprint, rebuilt=[knowledge.key])
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb3_recovery_s, proven=proven),
            *retrieval(knowledge.hits, knowledge.ask_again(chroma)),
        )


@pytest.mark.needs("snapshot")
def test_recovery_time_is_foretold_for_the_size_that_counts(
    drill, recovery_times, source_size, embedder, objectives, settings
):
    """A manager learns whether the real size would be back in time, and at which size it would not."""
    wanted, content = settings.forecast, library(settings.drill.rebuild_records)
    with drill.given("how long the model takes for documents of the source's lengths"):
        length = wanted.mean_document_length
        lengths = (length,) if length else source_size.lengths
        rate = embedding_rate(embedder, content, lengths)
        embed = embedding_seconds(embedder, " ".join(content.texts), lengths)
        parts = recovery_times.parts(embed)
        drill.note("forecast", **forecast_json(parts, wanted.records, source_size.as_json()))
        drill.note("embedder", **embedder.facts())
    with drill.then("the forecast is within the limits"):
        rebuilds, restores = recovery_times.rebuilds, recovery_times.restores
        rb2_s, rb3_s = objectives.rb2_recovery_s, objectives.rb3_recovery_s
        drill.judge(
            forecast("forecast rebuild", rebuilds, wanted.records, rb3_s, embedding=rate),
            forecast("forecast volume restore", restores, wanted.records, rb2_s),
        )
