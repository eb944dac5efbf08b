"""The alert rules as data: the runbook's figures from `[monitoring]`, scaled for a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from chromadrill.monitoring import samples


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alert fires and clears; all times in seconds.

    It fires after `count` bad samples in a row that span `for_s` at least, and clears after
    `clear_count` good ones in a row that span `clear_for_s`. Bad is above (below) `limit`, good is
    not above (below) `clear_limit`; what lies between is neither and ends both rows.
    After `stale_s` without a sample nobody knows: that is no health, and time in which nobody
    looked counts for neither row.
    `detect_within_s`: the objective, from the fault to the alert.
    `is_blind`: it tells that nobody can see, so its verdict is UNKNOWN where it fired, never FAIL.
    """

    name: str
    signal: str
    side: Literal["above", "below"]
    limit: float
    clear_limit: float
    runbook: str
    meaning: str
    count: int = 1
    for_s: float = 0.0
    clear_count: int = 1
    clear_for_s: float = 0.0
    stale_s: float = 120.0
    detect_within_s: float = 60.0
    is_blind: bool = False

    def is_bad(self, value: float) -> bool:
        return value > self.limit if self.side == "above" else value < self.limit

    def is_good(self, value: float) -> bool:
        """Never both bad and good: `clear_limit` is on the good side of `limit`."""
        return value <= self.clear_limit if self.side == "above" else value >= self.clear_limit


class Figures(Protocol):
    """The settings of `[monitoring]`: seconds, unless the name says otherwise."""

    @property
    def interval_s(self) -> float: ...
    @property
    def timeout_s(self) -> float: ...
    @property
    def failures_to_alert(self) -> int: ...
    @property
    def recovery_s(self) -> float: ...
    @property
    def search_ms(self) -> float: ...
    @property
    def search_for_s(self) -> float: ...
    @property
    def disk_percent(self) -> float: ...
    @property
    def disk_clear_percent(self) -> float: ...
    @property
    def min_records(self) -> int: ...
    @property
    def backup_every_s(self) -> float: ...
    @property
    def backup_grace_s(self) -> float: ...
    @property
    def drift_cosine(self) -> float: ...
    @property
    def time_scale(self) -> float: ...


def rules(f: Figures) -> tuple[Rule, ...]:
    """Every rule. The ages of backups are not scaled: they are facts."""
    scale = f.time_scale
    every, calm, stale = f.interval_s * scale, f.recovery_s * scale, 4 * f.interval_s * scale

    def rule(name: str, signal: str, side: Literal["above", "below"], limit: float,
              runbook: str, meaning: str, *, count: int = 1, for_s: float = 0.0,
              clear_limit: float | None = None, clear_for_s: float = calm,
              is_blind: bool = False) -> Rule:  # fmt: skip
        return Rule(
            name, signal, side, limit, limit if clear_limit is None else clear_limit,
            runbook, meaning, count=count, for_s=for_s, clear_count=f.failures_to_alert,
            clear_for_s=clear_for_s,
            # a hanging server makes each look as long as its time limits, which are not scaled
            stale_s=stale + 3 * f.timeout_s,
            detect_within_s=every * count + for_s + (count + 1) * f.timeout_s,
            is_blind=is_blind,
        )  # fmt: skip

    return (
        rule("service down", samples.HEALTH, "below", 1, "RB-1",
              "heartbeat or healthcheck does not answer", count=f.failures_to_alert),
        rule("wrong answers", samples.ANSWERS, "below", 1, "RB-2",
              "it lives, but known questions are answered wrong or not at all",
              count=f.failures_to_alert),
        rule("writes refused", samples.WRITES, "below", 1, "RB-1",
              "it lives and answers, but takes no write: its volume is gone, full or read-only",
              count=f.failures_to_alert),
        rule("access", samples.ACCESS, "below", 1, "RB-9",
              "it answers, but something in front of it does not let the monitor in",
              count=f.failures_to_alert, is_blind=True),
        rule("records missing", samples.RECORDS, "below", f.min_records, "RB-2",
              "it lives, but holds fewer records than it must", count=f.failures_to_alert),
        rule("high latency", samples.SEARCH, "above", f.search_ms, "RB-6",
              "searches are slow, one after the other", count=f.failures_to_alert,
              for_s=f.search_for_s * scale),
        rule("disk", samples.DISK, "above", f.disk_percent, "RB-9", "the volume fills up",
              clear_limit=f.disk_clear_percent),
        rule("oom restart", samples.OOM, "above", 0, "RB-9",
              "the kernel ended the server for want of memory",
              # the kills of a crash loop are minutes apart, and one page
              clear_for_s=5 * calm),
        rule("backup failed", samples.BACKUP, "below", 1, "RB-8",
              "the newest backup was not made, or is not what it should be"),
        rule("backup overdue", samples.BACKUP_AGE, "above", f.backup_every_s + f.backup_grace_s,
              "RB-8", "no verified backup for too long", clear_limit=f.backup_every_s),
        rule("proof", samples.PROOF_AGE, "above", 100, "RB-2",
              "no restore of its own backups was proven for too long"),
        # one that is started again has an old heartbeat until its first sync
        rule("flusher", samples.FLUSHER, "below", 1, "RB-1",
              "nobody syncs its index files: a power cut or a block snapshot loses vectors",
              count=f.failures_to_alert),
        rule("embedding drift", samples.DRIFT, "below", f.drift_cosine, "RB-3",
              "stored vectors are not what the model makes of their texts",
              count=f.failures_to_alert),
    )  # fmt: skip
