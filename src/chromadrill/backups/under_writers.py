"""A backup of a server that clients write to: read before and after, and told how much is proven.

The first reading is a fingerprint with its answers, as of a quiet server. Where clients disturb it, a
recording takes its place; whether they did, the copy shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups.same_counts import count_difference
from chromadrill.checks.between.verdicts import coverage_text
from chromadrill.checks.suite import judge_between, judge_soundness
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.connection import connect
from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.chroma.fingerprint.recording import record_server
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import JSON, Fingerprint, Observation, Outcome, Scope, Verdict
from chromadrill.core.model.window import BackupWindow, Coverage
from chromadrill.core.plural import plural

WRITERS = "Stop the writers, then take the snapshot again."


@dataclass(frozen=True, slots=True)
class FirstReading:
    """What a server held before it was copied. `error`: why it is a recording, and no fingerprint.

    A sick server gives no fingerprint either: only where clients wrote meanwhile the error is theirs.
    """

    fingerprint: Fingerprint
    error: DrillError | None = None


@dataclass(frozen=True, slots=True)
class ProvenCopy:
    """A copy that was taken while clients wrote: its own fingerprint, and the facts of its coverage."""

    fingerprint: Fingerprint
    facts: JSON


def read_before(chroma: Chroma, scopes: Sequence[Scope]) -> FirstReading:
    """The fingerprint of a server, or where its reading failed a recording. Raises as the first does."""
    try:
        return FirstReading(live.fingerprint(chroma, scopes))
    except (Unavailable, CallFailed) as error:
        if isinstance(error, CallFailed) and (error.is_access or error.status == 0):
            raise
        try:
            recording = record_server(chroma, scopes, whole_tenants=False)
        except (Unavailable, CallFailed):
            raise error from None
        if recording.without_vector or not recording.fingerprint.collections:
            raise
        return FirstReading(recording.fingerprint, error)


def read_after(url: str, before: Fingerprint) -> Fingerprint:
    """A recording of the same databases. Raises Unavailable."""
    try:
        with connect(url) as chroma:
            return record_server(chroma, before.scopes, whole_tenants=False).fingerprint
    except CallFailed as error:
        raise Unavailable(f"{url}: {error}") from error


def prove_copy(data: Path, before: Fingerprint, url: str, difference: str) -> ProvenCopy:
    """Judge the copied directory `data` by what the server, which runs again, held before and after.

    `difference`: how the copy differs from the first reading. Raises Unavailable where that cannot be
    the work of clients, and where too little is proven.
    """
    window = BackupWindow(before, read_after(url, before))
    observation = at_rest.observe(data, before.scopes)
    verdicts, coverage = judge_between(observation, window)
    wrong = _first_wrong([*judge_soundness(observation), *verdicts])
    if wrong:
        raise Unavailable(
            f"The copy is not what the fingerprint says: {difference}. Nor can clients have made it so:"
            f" {wrong.check}: {wrong.message}.",
            next_step=WRITERS,
        )
    return ProvenCopy(observation.fingerprint, {"coverage": coverage_facts(coverage, window)})


def read_again(url: str, reading: FirstReading) -> tuple[Fingerprint | None, JSON]:
    """A second reading, and what stood still since the first, where the copy itself cannot be read.

    None, and nothing to say, where nobody wrote as far as counts show. Raises Unavailable for a sick
    server, and where too little stood still.
    """
    difference = count_difference(url, reading.fingerprint)
    if not difference and reading.error is None:
        return None, {}
    after = read_after(url, reading.fingerprint)
    window = BackupWindow(reading.fingerprint, after)
    counts = {key: collection.count for key, collection in after.collections.items()}
    verdicts, coverage = judge_between(Observation(after, counts=counts), window)
    if reading.error is not None and coverage.share == 1:
        raise reading.error  # nobody wrote: the server itself is sick
    wrong = _first_wrong(verdicts)
    if wrong:
        raise Unavailable(
            f"The snapshot is there, but unproven: {difference or wrong.check}; {wrong.message}.",
            next_step=WRITERS,
        )
    facts = coverage_facts(coverage, window)
    collections = {
        key: {"stable": part["proven"], "moved": part["moved"] + part["unseen"]}
        for key, part in facts["collections"].items()
    }
    sentence = f"the platform's own copy was not read; {_stood_still(coverage)}"
    return after, {"stable": {**facts, "collections": collections, "sentence": sentence}}


def _stood_still(coverage: Coverage) -> str:
    total = coverage.total
    share = 100 * (coverage.share or 0)
    return f"{share:.1f} % of {plural(total.records, 'record')} stood still while it was taken"


def coverage_facts(coverage: Coverage, window: BackupWindow) -> JSON:
    """The coverage as a manifest has it: share (0 to 1), its limit, each collection, both readings."""
    after = window.after
    return {
        "limit_percent": 100 * window.least_coverage,
        "share": coverage.share,
        "collections": {
            key: {
                "proven": part.proven,
                "moved": part.moved,
                "unseen": part.unseen,
                "unexplained": part.unexplained,
                "in_between": part.in_between,
            }
            for key, part in coverage.collections.items()
        },
        "before": {"taken_at": window.before.taken_at},
        "after": {"taken_at": after.taken_at, "live": True} if after else None,
        "sentence": coverage_text(coverage.total),
    }


def _first_wrong(verdicts: Sequence[Verdict]) -> Verdict | None:
    good = (Outcome.PASS, Outcome.NOT_RUN)
    return next((verdict for verdict in verdicts if verdict.outcome not in good), None)
