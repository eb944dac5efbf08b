"""Does it fit into what it is given? Memory is enforced by the platform, disk is judged here."""

from __future__ import annotations

from chromadrill.core.model import Outcome, Usage, Verdict

MB = 1024 * 1024


def disk_fits(seen: Usage) -> Verdict:
    """What the volume holds is less than its size; without a size there is nothing to judge by."""
    if seen.disk_limit_bytes is None:
        return Verdict.not_run("disk", f"{seen.disk_bytes / MB:.1f} MB used, no size given")
    return _used("disk", seen.disk_bytes, seen.disk_limit_bytes, "")


def memory_holds(seen: Usage, *, killed_before: int = 0) -> Verdict:
    """Nothing was killed for want of memory since there were `killed_before` such kills.

    A deployment that was killed is short of memory whatever it uses now.
    """
    kills = (seen.oom_kills or 0) - killed_before
    if kills > 0:
        said = f"killed for want of memory: {kills} times; {seen.restarts} restarts"
        return Verdict.failed("memory", said, actual=float(kills), limit=0.0, unit="kills")
    if seen.memory_bytes is None:
        return Verdict.unknown("memory", "not running: nobody knows what it needs")
    told = f"; {seen.oom_kills} kills for want of memory, {seen.restarts} restarts"
    if seen.oom_kills is None:
        told = "; kills for want of memory are not told by this platform"
    if seen.memory_limit_bytes is None:
        return Verdict.not_run("memory", f"{seen.memory_bytes / MB:.1f} MB used, no limit{told}")
    return _used("memory", seen.memory_bytes, seen.memory_limit_bytes, told)


def was_killed_for_memory(seen: Usage, *, killed_before: int = 0) -> Verdict:
    """The platform counted the kill: a crash for another reason proves nothing about memory."""
    kills = (seen.oom_kills or 0) - killed_before
    if kills < 1:
        return Verdict.unknown("out of memory", "no kill for want of memory was counted")
    return Verdict.passed("out of memory", f"{kills} kill counted", actual=kills, unit="kills")


def _used(check: str, used: int, limit: int, told: str) -> Verdict:
    return Verdict(
        check,
        Outcome.PASS if used < limit else Outcome.FAIL,
        f"{used / MB:.1f} MB of {limit / MB:.0f} MB used{told}",
        actual=round(used / MB, 1),
        limit=round(limit / MB, 1),
        unit="MB",
    )
