"""What many power cuts left, as one row of a table, and each as a fact of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chromadrill.checks import power_cut as checks
from chromadrill.core.model import JSON, CutClass, PowerCut


def note_of(cut: PowerCut) -> JSON:
    """One cut: its class and why, without its ledger."""
    gone = checks.lost(cut)
    return {
        "number": cut.number,
        "class": str(checks.class_of(cut)),
        "why": checks.explain(cut),
        "acknowledged": len(cut.ledger),
        "missing": len(gone),
        "oldest_missing": [write.id for write in gone[:10]],
        "since_write_s": _rounded(cut.since_write_s),
        "since_flush_s": _rounded(cut.since_flush_s),
        "at_rest": cut.at_rest,
        "replayed": checks.is_replayed(cut),
        "salvaged": len(cut.salvaged.present) if cut.salvaged else None,
        "salvaged_wrong": cut.salvaged.torn if cut.salvaged else None,
    }


def table_row(beside: str, cuts: Sequence[PowerCut]) -> JSON:
    """All cuts; `points`: (seconds since the last write, since the last index flush, class)."""
    classes = Counter(map(checks.class_of, cuts))
    usable = (*checks.USABLE, CutClass.UNJUDGED)
    damaged = [cut for cut in cuts if checks.class_of(cut) not in usable]
    losses = [cut for cut in cuts if checks.class_of(cut) is CutClass.LOST]
    seen = sum(cut.at_rest is not None for cut in damaged)
    return {
        "beside": beside,
        "cuts": len(cuts),
        "whole": classes[CutClass.WHOLE],
        "lost": classes[CutClass.LOST],
        "does_not_start": classes[CutClass.DOES_NOT_START],
        "crashes": classes[CutClass.CRASHES],
        "wrong": classes[CutClass.WRONG],
        "unjudged": classes[CutClass.UNJUDGED],
        "replayed": f"{sum(map(checks.is_replayed, damaged))} of {len(damaged)}",
        "seen_at_rest": f"{seen} of {len(damaged)}",
        "most_lost": max((len(checks.lost(cut)) for cut in losses), default=0),
        "frozen_s": max((cut.frozen_s for cut in cuts if cut.frozen_s), default=None),
        "loss_s": round(max(map(checks.loss_s, losses), default=0.0), 3),
        "points": [
            (_rounded(cut.since_write_s), _rounded(cut.since_flush_s), str(checks.class_of(cut)))
            for cut in cuts
        ],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
