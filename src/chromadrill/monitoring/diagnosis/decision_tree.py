"""RB-9's tree: its questions in their order, each with its branch and the next step."""

from __future__ import annotations

from collections.abc import Callable

from chromadrill.core.model import Verdict
from chromadrill.monitoring.diagnosis import causes as c
from chromadrill.monitoring.diagnosis.symptoms import Symptoms

# question -> branch, next step of the runbook
TREE: dict[str, tuple[str, str]] = {
    "service status": ("timeouts", "RB-1: read the log; chromadrill ops --target T restart"),
    "network": ("timeouts", "RB-9: route, firewall, port, proxy; then RB-5 again"),
    "access": ("timeouts", "RB-9: do what its message says, then the same command again"),
    "out of memory": ("timeouts", "RB-9: more memory, or smaller collections; then RB-1"),
    "health log": ("timeouts", "RB-9: see the log's own table of patterns"),
    "database file": ("storage", "RB-2: stop what writes, restore the newest snapshot"),
    "answers": ("timeouts", "RB-2: validate against the newest fingerprint, restore if it differs"),
    "volume use": ("storage", "RB-9: free space or grow the volume, then RB-1: a restart"),
    "growth": ("storage", "RB-9: grow the volume in time; find out what writes"),
    "size against memory": ("slow queries", "RB-9: more memory, or split the collection"),
    "index settings": ("slow queries", "RB-6: measure, then lower ef_search or max_neighbors"),
    "concurrent load": ("slow queries", "RB-6: find who asks so much; chromadrill load --host URL"),
    "slow searches": ("slow queries", "RB-6: performance baseline"),
    "queue": ("storage", "RB-9: the log is not purged: is the compactor alive? Restart, look again"),
    "dimension efficiency": ("storage", "RB-9: what else is kept than vectors? RB-4 shrinks it"),
    "orphans": ("storage", "RB-9: left by deleted collections; RB-4 into a new volume shrinks it"),
}  # fmt: skip


def judge(s: Symptoms, *, search_ms: float, disk_percent: float) -> list[Verdict]:
    """All questions, in the order of the tree."""
    questions: dict[str, Callable[[], Verdict]] = {
        "service status": lambda: c.service(s), "network": lambda: c.network(s),
        "access": lambda: c.access(s), "out of memory": lambda: c.out_of_memory(s),
        "health log": lambda: c.health_log(s),
        "database file": lambda: c.files(s), "answers": lambda: c.answers(s),
        "volume use": lambda: c.volume(s, disk_percent),
        "growth": lambda: c.growth(s), "size against memory": lambda: c.memory_for_index(s),
        "index settings": lambda: c.index_settings(s), "concurrent load": lambda: c.load(s),
        "slow searches": lambda: c.searches(s, search_ms), "queue": lambda: c.queue(s),
        "dimension efficiency": lambda: c.dimensions(s), "orphans": lambda: c.orphans(s),
    }  # fmt: skip
    return [questions[name]() for name in TREE]
