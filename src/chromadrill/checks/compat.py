"""From one release of Chroma to another: does a backup come back, is a downgrade refused?"""

from __future__ import annotations

from collections.abc import Mapping

from chromadrill.core.model import Verdict


def upgrade(made_by: str, given_to: str, records: int, *, proven: bool) -> Verdict:
    """Did a backup of one release, restored into another, pass its source's check suite?"""
    copy = f"{records} records of a volume copy made by {made_by}, given to {given_to}"
    if not records:
        return Verdict.unknown("upgrade", f"{copy}: nothing to compare")
    make = Verdict.passed if proven else Verdict.failed
    return make("upgrade", copy + (": all there" if proven else ": the check suite did not pass"))


def metrics_known(wanted: Mapping[str, str], fingerprint: Mapping[str, str]) -> Verdict:
    """The source's fingerprint has the metric that each collection uses (name -> metric).

    With a wrong one, a restored copy that is wrong in the same way would pass.
    """
    wrong = [
        f"{name} uses {space}, told {fingerprint.get(name, 'nothing')}"
        for name, space in wanted.items()
        if fingerprint.get(name) != space
    ]
    if wrong:
        return Verdict.failed("metrics", "; ".join(wrong))
    return Verdict.passed("metrics", f"{len(wanted)} collections, each with the metric it uses")


def downgrade_refused(
    refusals: Mapping[str, str | None], *, started: bool, changed: bool
) -> Verdict:
    """Each attempt (`refusals`: what -> sentence, None: it was done) was refused, nothing happened."""
    done = [attempt for attempt, refusal in refusals.items() if refusal is None]
    done += ["the older server was started"] if started else []
    done += ["its volume was changed"] if changed else []
    if done or not refusals:
        return Verdict.failed("downgrade", f"not refused: {'; '.join(done) or 'nothing was tried'}")
    return Verdict.passed("downgrade", "; ".join(f"{k}: {v}" for k, v in refusals.items()))
