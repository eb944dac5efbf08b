"""A server that takes only small requests gets small ones; a row that never fits is named first."""

import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.disasters.faulty_proxy import faulty_proxy


@pytest.fixture
def gateway(table):
    """A gateway before the server of `table`, which goes through it."""
    with faulty_proxy(table.chroma.url) as proxy, Chroma(proxy.url, behind_gateway=True) as chroma:
        table.chroma = chroma
        yield proxy


def test_batches_are_as_small_as_the_server_wants_them(table, gateway):
    gateway.largest_body = 9_000
    result = table.rebuild()
    assert outcome_of(result.verdicts) == "pass", result.verdicts
    assert len(table.records()) == 60


def test_row_that_is_too_large_is_named_before_anything_is_embedded_or_made(table, gateway):
    table.sql("update manual_content set content = repeat('long ', 4000) where id = 'r7'")
    gateway.largest_body = 9_000
    with pytest.raises(Unavailable, match="row 'r7'") as refused:
        table.rebuild()
    assert "max_payload_size_bytes" in refused.value.next_step
    assert not table.model.texts
    assert table.names() == []
