"""Does it fit into what it is given? Memory is enforced by the platform, disk is judged here."""

from __future__ import annotations

from chromadrill.core.model import Outcome, Usage, Verdict

MB = 1024 * 1024


def disk_fits(usage: Usage) -> Verdict:
    """What the volume holds is less than its size; without a size there is nothing to judge by."""
    if usage.disk_limit_bytes is None:
        return Verdict.not_run("disk", f"{usage.disk_bytes / MB:.1f} MB used, no size given")
    return _below_limit("disk", usage.disk_bytes, usage.disk_limit_bytes, "")


def memory_holds(usage: Usage, *, killed_before: int = 0) -> Verdict:
    """Nothing was killed for want of memory since there were `killed_before` such kills.

    A deployment that was killed is short of memory whatever it uses now.
    """
    kills = (usage.oom_kills or 0) - killed_before
    if kills > 0:
        message = f"killed for want of memory: {kills} times; {usage.restarts} restarts"
        return Verdict.failed("memory", message, actual=float(kills), limit=0.0, unit="kills")
    if usage.memory_bytes is None:
        return Verdict.unknown("memory", "not running: nobody knows what it needs")
    suffix = f"; {usage.oom_kills} kills for want of memory, {usage.restarts} restarts"
    if usage.oom_kills is None:
        suffix = "; kills for want of memory are not told by this platform"
    if usage.memory_limit_bytes is None:
        return Verdict.not_run("memory", f"{usage.memory_bytes / MB:.1f} MB used, no limit{suffix}")
    return _below_limit("memory", usage.memory_bytes, usage.memory_limit_bytes, suffix)


def was_killed_for_memory(usage: Usage, *, killed_before: int = 0) -> Verdict:
    """The platform counted the kill: a crash for another reason proves nothing about memory."""
    kills = (usage.oom_kills or 0) - killed_before
    if kills < 1:
        return Verdict.unknown("out of memory", "no kill for want of memory was counted")
    return Verdict.passed("out of memory", f"{kills} kill counted", actual=kills, unit="kills")


def _below_limit(check: str, used: int, limit: int, suffix: str) -> Verdict:
    return Verdict(
        check,
        Outcome.PASS if used < limit else Outcome.FAIL,
        f"{used / MB:.1f} MB of {limit / MB:.0f} MB used{suffix}",
        actual=round(used / MB, 1),
        limit=round(limit / MB, 1),
        unit="MB",
    )
