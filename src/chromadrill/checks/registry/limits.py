"""The keys of `[objectives]` that limit a check, with the auditors' controls that ask for them."""

from __future__ import annotations

from chromadrill.checks.registry.check import Limit

_RECOVERY = ("SOC 2 A1.3", "ISO 22301 8.5", "NIST CP-4", "DORA RTS 2024/1774 Art. 25")
_DATA = ("SOC 2 A1.3", "ISO 27001 A.8.13", "NIST CP-9", "DORA RTS 2024/1774 Art. 40")


def _limit(key: str, title: str, runbook: str = "") -> Limit:
    return Limit(key, title, _RECOVERY, runbook)


_BACK = "recovery time (RTO), fault to first stable right answer"
RECOVERY = (
    _limit("rb1_recovery_s", f"service restart: {_BACK}", "RB-1"),
    _limit("rb2_recovery_s", f"restore from a backup: {_BACK}", "RB-2"),
    _limit("rb3_recovery_s", f"rebuild from PostgreSQL: {_BACK}", "RB-3"),
    _limit("rb4_recovery_s", f"import of a collection: {_BACK}", "RB-4"),
    _limit("rb6_recovery_s", f"restore while clients search: {_BACK}", "RB-6"),
    _limit("rb8_recovery_s", f"monthly drill: {_BACK}", "RB-8"),
)
# a restart may lose no acknowledged write, whatever the objectives say
LOSS = Limit(
    "data_loss_s",
    "data loss (RPO), age of the oldest lost acknowledged write",
    _DATA,
    "RB-2",
    not_for="RB-1",
)
DOWNTIME = _limit("downtime_s", "downtime: clients without a right answer, fault to recovery")
WRONG = _limit("wrong_answers_s", "wrong answers given to clients, fault to recovery")
STARTUP = _limit("startup_s", "server start to first real answer", "RB-1")
CREATION = _limit("collection_creation_s", "creating a collection", "RB-8")
SEARCH = _limit("search_p90_ms", "90th percentile of searches of the restored store")
QUERY = _limit("query_ms", "the slowest single query")
UPSERT = _limit("upsert_p90_ms", "90th percentile of writing 100 records at once")
EMBEDDING = _limit("embedding_p90_ms", "90th percentile of embedding one document")
