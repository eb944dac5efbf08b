"""What the record says of its own instrument: the client whose clock the recovery goes by."""

from __future__ import annotations

from chromadrill.core.model import JSON
from chromadrill.evidence.report.formatting import number, part, rows

HEAVY_PERCENT = 10.0  # of the machine: what takes as much slows what it measures


def prober_line(scenario: JSON) -> str | None:
    """One scenario's prober in words; None where the record does not say what it cost."""
    prober = part(scenario, "prober")
    keys = ("share_percent", "cores", "late_p50_ms", "late_p99_ms", "late_max_ms")
    share, cores, p50, p99, most = (number(prober.get(key)) for key in keys)
    if share is None or cores is None or p50 is None or p99 is None or most is None:
        return None
    line = (
        f"The prober took {share:.1f} % of {cores:.0f} cores; its ticks began {p50:.1f} ms late"
        f" (median), {p99:.1f} ms (99th percentile), {most:.1f} ms at most."
    )
    if share >= HEAVY_PERCENT:
        line += " That is a tenth of the machine or more: without the prober it recovers faster."
    return line


def heavy_prober(record: JSON) -> str | None:
    """A sentence where the prober cost a tenth of the machine or more in any scenario."""
    shares = [
        share
        for scenario in rows(record, "scenarios")
        if (share := number(part(scenario, "prober").get("share_percent"))) is not None
    ]
    if max(shares, default=0.0) < HEAVY_PERCENT:
        return None
    return (
        f"the prober itself took up to {max(shares):.0f} % of the machine: recovery times here are"
        " longer than without it"
    )
