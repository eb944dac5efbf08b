"""What only files can show: SQLite's own checks, the full-text index, the index files."""

from __future__ import annotations

from chromadrill.core.model import Observation, ReadError, Verdict
from chromadrill.core.plural import plural


def unread_store(observation: Observation) -> str | None:
    """Why the store was not opened, where that speaks of the reader: nothing in it is missing."""
    for read_error in observation.read_errors:
        if read_error.step == "start" and not read_error.reading:
            return f"{read_error.where}: {read_error.message}"
    return None


def sound_database(observation: Observation) -> Verdict:
    """SQLite's integrity check, the full-text index's, and the references between tables."""
    return _judge("integrity", ("start", "integrity"), observation, "database and full-text index")


def sound_structure(observation: Observation) -> Verdict:
    """Links, labels, counts and lengths of every index agree with the records."""
    for read_error in observation.read_errors:
        if read_error.step == "start":  # the store was not even opened: no index was looked at
            return Verdict.unknown("structure", f"not looked at: {read_error.message}")
    return _judge(
        "structure", ("structure",), observation, plural(len(observation.counts), "collection")
    )


def _judge(check: str, steps: tuple[str, ...], observation: Observation, subject: str) -> Verdict:
    read_errors = [read_error for read_error in observation.read_errors if read_error.step in steps]
    damage = [read_error for read_error in read_errors if read_error.reading]
    if damage:
        return Verdict.failed(check, "; ".join(map(_sentence, damage[:10])))
    if read_errors:
        return Verdict.unknown(check, _sentence(read_errors[0]))
    return Verdict.passed(check, f"{subject} sound")


def _sentence(error: ReadError) -> str:
    """The place and the message; a message that begins with the place says it already."""
    if error.message.startswith(error.where):
        return error.message
    return f"{error.where}: {error.message}"
