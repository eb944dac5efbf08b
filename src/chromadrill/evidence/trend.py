"""Whether this drill was worse than the earlier ones, beyond the noise that they had themselves.

A drill is compared with the last 20 drills of the same target that passed. Two rules find two ways of
getting slow. Either makes the verdict FAIL; neither minds an improvement.

Jump. The limit is the largest of
- median + 3 times the spread of the history (MAD, scaled to a standard deviation): outliers of the
  past move neither;
- median + 40 %. The machine is not quieter than that: the same scenarios at the same commit, run
  twice in ten minutes, differed by 12 % (root mean square of one run) and by 40 % at most;
- median + the resolution of the clock that measured it;
- 1.2 times the second largest of the history. What happened twice and passed is how the machine is
  (two kinds of hosts: the MAD sees only the commoner); what happened once in ten or more drills was
  an accident. Fewer drills do not show that, so for them it is 1.2 times the largest.

Drift. A creep hides from the first rule: it widens the history that it is compared with. Mann and
Kendall's test counts the pairs of drills of which the later one was slower. How often chance alone
does that is known exactly, whatever the noise looks like: 1 in 400 here. Theil and Sen's slope (the
median of all pairs' slopes) says how much. Less than 20 % in all passes: such creeps are left to the
limits of the objectives.

A jump that passes twice is part of the history. A team that accepts a change at once passes `since`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

from chromadrill.checks import registry
from chromadrill.core.model import JSON, Verdict
from chromadrill.evidence.history import number

WINDOW = 20  # drills: more would compare with a database that was another one
ENOUGH = 5  # drills: the median of fewer is one drill's luck
ENOUGH_FOR_DRIFT = 8  # drills, with this one: fewer hardly ever rise by less than chance
SPREADS = 3.0
NOISE = 0.4  # of the median
MARGIN = 1.2  # times the largest that was no accident
ENOUGH_FOR_ACCIDENTS = 10  # drills
CHANCE = 2.807  # standard deviations: 1 in 400, one-sided
DRIFT = 0.2  # of where it began


class Measure(NamedTuple):
    """One number of a drill; `resolution` is in `unit`."""

    key: str
    name: str
    unit: str
    resolution: float


MEASURES = tuple(
    Measure(check.figure, check.name, check.figure.rpartition("_")[2], check.trend)
    for check in registry.CHECKS.values()
    if check.trend is not None
)


def judge_trend(entry: JSON, history: Sequence[JSON], *, since: str | None = None) -> list[Verdict]:
    """One verdict for each of the four measures, named "trend: recovery time" and so on.

    `history` are the lines of history.jsonl, oldest first. Left out: other targets and other sets of
    scenarios, drills that did not pass, this drill and all after it. `since` (UTC, ISO 8601) leaves
    out older ones: the day on which a change was accepted. A proof of the user's own backup is
    compared with the proofs of the same source, whichever backup it was.
    """
    earlier: dict[str, JSON] = {}  # by run: a drill that was appended twice counts once
    alike = ("source",) if entry.get("source") else ("source", "target", "scenarios")
    for line in history:
        if line.get("run_id") == entry.get("run_id"):
            break
        young = since is None or str(line.get("finished_at") or "") >= since
        same = all(line.get(key) == entry.get(key) for key in alike)
        if young and same and line.get("outcome") == "pass":
            earlier[f"{line.get('run_id')} {line.get('artefact')}"] = line
    passed = list(earlier.values())[-WINDOW:]
    return [_judge(measure, entry, passed) for measure in MEASURES]


def _judge(measure: Measure, entry: JSON, passed: list[JSON]) -> Verdict:
    check, unit = f"trend: {measure.name}", measure.unit
    measured = [number(drill.get(measure.key)) for drill in passed]
    values = [float(value) for value in measured if value is not None]
    now = number(entry.get(measure.key))
    if now is None:
        if any(value is not None for value in measured[-ENOUGH:]):
            return Verdict.unknown(check, "not measured this time; earlier drills have it")
        return Verdict.not_run(check, "not measured, neither now nor in the last drills")
    if len(values) < ENOUGH:
        return Verdict.not_run(check, f"no history yet: {len(values)} of {ENOUGH}")
    limit = _limit(values, measure.resolution)
    were = f"the last {len(values)} were {min(values):.3g}-{max(values):.3g} {unit}"
    if now > limit:
        message = f"{now:.3g} {unit}; {were}, the limit of their noise is {limit:.3g} {unit}"
        return Verdict.failed(check, message, actual=now, limit=limit, unit=unit)
    row = [*values, float(now)]
    start, end = _line(row)
    bearable = start + max(DRIFT * start, measure.resolution)
    if len(row) >= ENOUGH_FOR_DRIFT and end > bearable and _rises(row):
        step = (end - start) / (len(row) - 1)
        message = (
            f"creeping up by {step:.2g} {unit} a drill, from {start:.3g} to {end:.3g} {unit} in"
            f" {len(row)} drills; noise does not rise like that (1 in 400)"
        )
        return Verdict.failed(check, message, actual=end, limit=bearable, unit=unit)
    message = f"{now:.3g} {unit}; {were}, the limit of their noise is {limit:.3g} {unit}"
    return Verdict.passed(check, message, actual=now, limit=limit, unit=unit)


def _limit(values: list[float], resolution: float) -> float:
    middle = median(values)
    spread = 1.4826 * median(abs(value - middle) for value in values)
    above = max(SPREADS * spread, NOISE * middle, resolution)
    usual = sorted(values)[-2 if len(values) >= ENOUGH_FOR_ACCIDENTS else -1]
    return max(middle + above, MARGIN * usual)


def _rises(row: list[float]) -> bool:
    """Mann-Kendall. Ties are not corrected for, which errs on the side of silence."""
    score = sum((later > first) - (later < first) for first, later in combinations(row, 2))
    n = len(row)
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return (score - 1) / deviation > CHANCE


def _line(row: list[float]) -> tuple[float, float]:
    """Theil and Sen's line: its height at the first drill and at this one."""
    pairs = combinations(enumerate(row), 2)
    slope = median((later - first) / (b - a) for (a, first), (b, later) in pairs)
    start = median(value - slope * at for at, value in enumerate(row))
    return max(0.0, start), start + slope * (len(row) - 1)
