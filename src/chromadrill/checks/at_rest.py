"""What only files can show: SQLite's own checks, the full-text index, the index files."""

from __future__ import annotations

from chromadrill.core.model import Observation, Verdict


def sound_database(seen: Observation) -> Verdict:
    """SQLite's integrity check, the full-text index's, and the references between tables."""
    return _judge("integrity", ("start", "integrity"), seen, "database and full-text index")


def sound_structure(seen: Observation) -> Verdict:
    """Links, labels, counts and lengths of every index agree with the records."""
    for each in seen.read_errors:
        if each.step == "start":  # the store was not even opened: no index was looked at
            return Verdict.unknown("structure", f"not looked at: {each.message}")
    return _judge("structure", ("structure",), seen, f"{len(seen.counts)} collections")


def _judge(check: str, steps: tuple[str, ...], seen: Observation, what: str) -> Verdict:
    found = [each for each in seen.read_errors if each.step in steps]
    damage = [each for each in found if each.reading]
    if damage:
        said = "; ".join(f"{each.where}: {each.message}" for each in damage[:10])
        return Verdict.failed(check, said)
    if found:
        return Verdict.unknown(check, f"{found[0].where}: {found[0].message}")
    return Verdict.passed(check, f"{what} sound")
