"""What a record says, compared with what its ledger says.

A record that was built by today's RULES says what we build of its ledger. By other rules some of it
was built otherwise; fields that only one of both has are not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chromadrill.core.model import JSON

# one more with each change of what is built of a ledger; the ledger says by which its record was
RULES = 2
# made at the end of the run, not of its ledger; or advice, whose words are no evidence
NEVER = {"artifacts", "provenance.generated_at", "subject", "scenarios[].next_step"}
# built by rules that have changed
BY_RULES = {
    "fleet", "sources", "scenarios[].client", "scenarios[].phases[].start_s",
    "scenarios[].production_origin", "scenarios[].recovered_s", "scenarios[].strike_s",
    "summary.data_loss_limit_s", "summary.data_loss_s", "summary.downtime_s",
    "summary.recovery_time_s", "summary.wrong_answer_s",
}  # fmt: skip
# whose keys the target or the environment names: one more is no field of other rules
OPEN = {"target", "versions", "provenance"}
EMPTY: tuple[Any, ...] = (None, "", [], {})
# by one of two clocks, which are not read at once: so far apart on a busy machine
MOMENTS = {
    "scenarios[].client[].from_s", "scenarios[].client[].to_s", "scenarios[].phases[].start_s",
    "scenarios[].recovered_s", "scenarios[].strike_s", "summary.downtime_s",
    "summary.wrong_answer_s",
}  # fmt: skip
APART_S = 0.05
LONGEST = 100  # characters of a value in a message


def contradictions(record: JSON, derived: JSON) -> list[str]:
    """One sentence a value that `record` states otherwise than `derived`, the record of its ledger.

    Both as JSON has them.
    """
    is_ours = derived.get("rules") == RULES
    return list(_compare(record, derived, "", is_ours=is_ours))


def _compare(said: Any, derived: Any, path: str, *, is_ours: bool) -> Iterator[str]:
    kind = re.sub(r"\[\d+]", "[]", path)
    if kind in NEVER or (kind in BY_RULES and not is_ours):
        return
    if isinstance(derived, dict) and isinstance(said, dict):
        is_whole = is_ours or kind in OPEN
        keys = derived.keys() | said.keys() if is_whole else derived.keys() & said.keys()
        for key in sorted(keys):
            below = f"{path}.{key}" if path else key
            yield from _compare(said.get(key), derived.get(key), below, is_ours=is_ours)
    elif isinstance(derived, list) and isinstance(said, list) and len(said) == len(derived):
        for at, (ours, theirs) in enumerate(zip(said, derived, strict=True)):
            yield from _compare(ours, theirs, f"{path}[{at}]", is_ours=is_ours)
    elif not (_is_same(said, derived) or (kind in MOMENTS and _is_near(said, derived))):
        yield f"{path}: the record says {_short(said)}, the ledger {_short(derived)}"


def _is_near(said: Any, derived: Any) -> bool:
    both_timed = isinstance(said, float) and isinstance(derived, float)
    return both_timed and abs(said - derived) <= APART_S


def _is_same(said: Any, derived: Any) -> bool:
    if isinstance(said, bool) or isinstance(derived, bool):
        return said is derived  # 1 is no True
    if said in EMPTY and derived in EMPTY:
        return True  # a field that an earlier version had not says as much as an empty one
    return bool(said == derived)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
