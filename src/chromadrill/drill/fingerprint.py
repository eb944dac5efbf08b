"""The fingerprint of what is healthy: a running server, or a directory that holds its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chromadrill.backups.data_place import data_directory, require_store
from chromadrill.checks import record_diff
from chromadrill.checks.content import nothing_in
from chromadrill.checks.suite import judge
from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.chroma.fingerprint.recording import ServerRecording, record_server
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Fingerprint, Observation, Outcome, Scope
from chromadrill.drill.connection import connect


def take_fingerprint(source: str | Path, scopes: Sequence[Scope]) -> Fingerprint:
    """The fingerprint of a healthy server (the scopes) or of a sound directory (all of it).

    A server that clients write to is recorded: its records as they were at some time meanwhile, and no
    reference queries. Raises Unavailable for a source that is sick, or that holds no collection.
    """
    if isinstance(source, Path):
        require_store(source)
        fingerprint = at_rest.fingerprint(data_directory(source))
        _require_something(fingerprint)
        return fingerprint
    scopes = scopes or (Scope(),)
    with connect(source) as chroma:
        observation = live.observe(chroma, scopes)
        try:
            fingerprint = live.require_readable(observation)
            _require_consistent(fingerprint)
        except Unavailable:
            if observation.access_error or observation.missing_tenants:
                raise
            recorded = record_server(chroma, scopes)
            if recorded.without_vector or not _is_another(observation.fingerprint, recorded):
                raise
            fingerprint = recorded.fingerprint
    _require_something(fingerprint)
    return fingerprint


def _is_another(first: Fingerprint, recorded: ServerRecording) -> bool:
    """Whether clients wrote between two readings: then the first need not agree with itself."""
    was, now = first.collections, recorded.fingerprint.collections
    return bool(recorded.dropped) or any(
        key not in now
        or key not in was
        or was[key].info.id != now[key].info.id
        or record_diff.compare(key, was[key].records, now[key].records).differences
        for key in {*was, *now}
    )


def _require_something(fingerprint: Fingerprint) -> None:
    """Refuse a source without collections: it would take the place of a good fingerprint, and PASS."""
    if not fingerprint.collections:
        raise Unavailable(
            f"No fingerprint: {nothing_in(fingerprint)}.",
            next_step="Name the databases that hold something: --scope TENANT/DATABASE.",
        )


def _require_consistent(fingerprint: Fingerprint) -> None:
    """Refuse a source that does not answer as its own records say: it would prove nothing."""
    counts = {key: collection.count for key, collection in fingerprint.collections.items()}
    verdicts = judge(Observation(fingerprint, counts=counts), None)
    wrong = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    if wrong:
        raise Unavailable(
            f"No fingerprint: {wrong[0].check}: {wrong[0].message}",
            next_step="The source disagrees with itself. Repair it first: chromadrill triage.",
        )
