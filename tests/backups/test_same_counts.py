"""A snapshot of a platform whose files cannot be read counts only if nobody wrote meanwhile."""

import numpy as np
import pytest

from chromadrill.backups.same_counts import require_same_counts
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope


def test_snapshot_during_which_somebody_wrote_is_unproven(server):
    with Chroma(server.url) as chroma:
        before = live.fingerprint(chroma, [Scope()])
        require_same_counts(server.url, before)
        docs = chroma.collection(Scope(), "docs")
        chroma.upsert(docs, ids=["late"], vectors=np.zeros((1, 8), np.float32), documents=["late"])
    with pytest.raises(Unavailable, match=r"docs had 30 records .* and 31 after the snapshot"):
        require_same_counts(server.url, before)


def test_server_that_is_not_there_is_not_ready(server):
    assert is_ready(server.url, [Scope()])
    assert not is_ready("http://127.0.0.1:9", [Scope()])
