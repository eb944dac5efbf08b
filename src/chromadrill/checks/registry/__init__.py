"""Every check by its name: what it asks, what a bad result means, what comes next, what limits it.

The one place for such facts. A check's name is the one that its verdicts carry. A `{}` in a name
stands for whatever a family of checks is about: "{} detected" is "disk detected" and its like.
Names are promised: records of years ago have them.
"""

from __future__ import annotations

import re

from chromadrill.checks.registry.check import Check, CheckGroup, Limit
from chromadrill.checks.registry.commands import VALIDATE
from chromadrill.checks.registry.restores import RESTORES
from chromadrill.checks.registry.services import SERVICES

CHECKS: dict[str, Check] = {check.name: check for check in (*RESTORES, *SERVICES)}
RECOVERY_TIME, DATA_LOSS, DOWNTIME, RECORDS, DISASTER_SEEN = (
    "recovery time", "data loss", "downtime", "records", "disaster seen",
)  # fmt: skip
# when a check of the suite was asked, behind its name
WHEN = r"(?: after one more restart| at rest| \([^\n)]*\))"
_WHEN = re.compile(f"{WHEN}+$")


def plain_name(name: str) -> str:
    """A check's name without when it was asked: "records after one more restart" is "records"."""
    return _WHEN.sub("", name)


def find(name: str) -> Check | None:
    """The check that a verdict's name belongs to; None for a name that no check has."""
    plain = plain_name(name)
    if plain in CHECKS:
        return CHECKS[plain]
    families = [
        check for check in CHECKS.values() if "{}" in check.name and _fits(plain, check.name)
    ]
    return max(families, key=lambda check: len(check.name), default=None)


def _fits(name: str, family: str) -> bool:
    start, _, end = family.partition("{}")
    return len(name) > len(start + end) and name.startswith(start) and name.endswith(end)


def advice(name: str) -> tuple[str, str]:
    """What it means for on-call that a check is not green, and the command that comes next."""
    check = find(name)
    if check is None:
        return "It is not as it should be; its message says how.", VALIDATE
    return check.meaning, check.command


def question(name: str) -> str:
    """What a check asks; "" for a name that no check has."""
    check = find(name)
    return check.question if check else ""


def title(name: str) -> str:
    """A check's name as a reader meets it first."""
    check = find(name)
    return (check.title if check else "") or name


def of_group(*groups: CheckGroup) -> tuple[str, ...]:
    """Names of the checks of these groups, in their order."""
    return tuple(name for name, check in CHECKS.items() if check.group in groups)


def of_figure(figure: str) -> frozenset[str]:
    """Names of the checks that feed a figure of the run's summary."""
    return frozenset(name for name, check in CHECKS.items() if check.figure == figure)


# ---- limits -------------------------------------------------------------------------------------
def limits() -> dict[str, tuple[Check, Limit]]:
    """Every key of `[objectives]` that limits a check, with the first check that it limits."""
    first: dict[str, tuple[Check, Limit]] = {}
    for check in CHECKS.values():
        for limit in check.limits:
            first.setdefault(limit.key, (check, limit))
    return first


def limit_of(name: str, runbook: str) -> Limit | None:
    """What limits a check in a scenario of `runbook`; None where no objective does."""
    check = find(name)
    limits = check.limits if check else ()
    if len(limits) > 1:
        limits = tuple(limit for limit in limits if limit.runbook == runbook)
    return next((limit for limit in limits if limit.not_for != runbook), None)


def same_limit(name: str, other: str) -> bool:
    """Whether one key of `[objectives]` limits both checks, or both names are of one check."""
    one, two = find(name), find(other)
    if one is None or two is None:
        return plain_name(name) == plain_name(other)
    return one is two or bool({e.key for e in one.limits} & {e.key for e in two.limits})
