"""The safety rules, as pure functions: each raises Refused, with the reason and the next command."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.core.errors import Forbidden
from chromadrill.core.model import Backup
from chromadrill.core.urls import without_password
from chromadrill.targets.safety.target_role import TargetRole

READ_ONLY = "production is read-only by rule: health, counts, fingerprints and searches"
# what ops may do there all the same, since it changes nothing
READING = ("snapshots", "logs", "posture")


def require_may_operate(at: TargetRole, action: str, *, export: bool = False) -> None:
    """Raise Refused for a command that would change production."""
    if at.is_production and action not in READING and not (action == "snapshot" and export):
        raise Forbidden(
            f"{action} of {at.target}: {at.environment} is production, and {READ_ONLY}."
            " Nothing was done.",
            next_step=f"In an incident a person may say so: --break-glass {at.target}.",
        )


def require_may_load(at: TargetRole) -> None:
    """Raise Refused where a load of many clients would meet users."""
    if at.is_production:
        raise Forbidden(
            f"{at.target} is production ({at.environment}): no load there. Nothing was asked.",
            next_step=f"pytest -m latency --target {at.target} asks it one at a time, slowly.",
        )


def require_may_damage(at: TargetRole, allowed: str | None) -> None:
    """Raise Refused unless `at` is ours, or is staging or scratch and was named a second time."""
    if at.is_production:
        raise Forbidden(
            f"{at.target} is production ({at.environment}), and {READ_ONLY}."
            " No option allows damage there.",
            next_step="Drill an environment whose role is staging.",
        )
    if not at.is_live and at.kind == at.target:
        return
    if allowed is None or without_password(allowed) != at.target:
        raise Forbidden(
            f"{at.target} is a live target, and damage there was not allowed by its name.",
            next_step=f"--allow-damage {at.target}",
        )
    if at.is_live and at.role not in ("staging", "scratch"):
        where = f"[environments.{at.environment}]" if at.environment else "no environment"
        raise Forbidden(
            f"{at.target} belongs to {where}, whose role is not staging: nothing there is damaged.",
            next_step=f'Set role = "staging" in [environments.{at.environment or at.target}] of'
            " drill.toml, or name its environment: --environment staging.",
        )


def require_may_restore(
    at: TargetRole,
    backup: Backup,
    backups: Sequence[Backup],
    *,
    wrote: Sequence[str],
    volume: bool,
    complete: bool = True,
) -> None:
    """Raise Refused where a restore would take away what is not ours.

    `backups`: all of the platform, newest first. `wrote`: what others wrote since the backup, a
    sentence each. `volume`: the whole volume is rolled back, not single collections. `complete`:
    whether `backups` are really all. A scratch environment is exclusive; the rest holds for it too.
    """
    if not at.is_live:
        return
    restore = f"restore of {backup.id}: "
    if at.role not in ("staging", "scratch"):
        raise Forbidden(
            f"{restore}{at.target} is in no environment whose role is staging. Nothing was restored.",
            next_step=f"In an incident a person may say so: --break-glass {at.target}.",
        )
    if volume and at.role == "staging" and not at.exclusive:
        raise Forbidden(
            f"{restore}it rolls back everybody's data, and {at.environment} is not exclusive."
            " Nothing was restored.",
            next_step=f"Set exclusive = true in [environments.{at.environment}], if nobody else"
            " uses it.",
        )
    if volume and at.role == "staging" and not complete:
        raise Forbidden(
            f"{restore}the platform's backups cannot be listed, so nobody can tell whether a newer one"
            " would be lost. Nothing was restored.",
            next_step=f"Name a command in [targets.{at.target}.commands]: snapshots = ...",
        )
    if volume and backups and backups[0].id != backup.id:
        raise Forbidden(
            f"{restore}{backups[0].id} is newer, and a restore may delete it. Nothing was restored.",
            next_step=f"chromadrill ops --target {at.target} restore {backups[0].id}",
        )
    if wrote:
        more = f" and {len(wrote) - 5} more" if len(wrote) > 5 else ""
        raise Forbidden(
            f"{restore}somebody else has written since: {'; '.join(wrote[:5])}{more}."
            " Nothing was restored.",
            next_step=f"Take another: chromadrill ops --target {at.target} snapshot",
        )
