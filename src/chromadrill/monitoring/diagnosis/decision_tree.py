"""RB-9's tree: its questions in their order, each with its branch and the next step."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from chromadrill.core.model import Verdict
from chromadrill.monitoring.diagnosis import causes as c
from chromadrill.monitoring.diagnosis.symptoms import Symptoms

RESTART = "chromadrill ops --target T restart"
PERFORMANCE = "chromadrill performance --url URL"
AGAIN = "chromadrill triage --target T"
# question -> branch, next step of the runbook
TREE: dict[str, tuple[str, str]] = {
    "service status": ("timeouts", "RB-1: read the log: chromadrill ops --target T logs\n"
                                   f"      then: {RESTART}"),
    "network": ("timeouts", f"RB-9: check route, firewall, port and proxy\nthen: {AGAIN}"),
    "access": ("timeouts", f"RB-9: do what its message says\nthen: {AGAIN}"),
    "out of memory": ("timeouts", "RB-9: more memory, or smaller collections\n"
                                  f"      then: {RESTART}"),
    "health log": ("timeouts", "RB-9: all that the log says: chromadrill triage --logs --target T"),
    "database file": ("storage", "RB-2: stop what writes, and restore the newest snapshot: chromadrill"
                                 " ops --target T snapshots\n"
                                 "      then: chromadrill ops --target T restore ID\n"
                                 "      then: no good snapshot: chromadrill salvage DATA"),
    "answers": ("timeouts", "RB-2: chromadrill validate --url URL --all --fingerprint FINGERPRINT\n"
                            "      then: restore the newest backup, if it differs\n"
                            "      then: no good backup: chromadrill salvage DATA"),
    "volume use": ("storage", f"RB-9: free space, or grow the volume\nthen: {RESTART}"),
    "growth": ("storage", "RB-9: find out what writes, and grow the volume in time"),
    "size against memory": ("slow queries", "RB-9: more memory, or split the collection"),
    "index settings": ("slow queries", f"RB-6: measure: {PERFORMANCE}\n"
                                       "      then: lower ef_search or max_neighbors"),
    "concurrent load": ("slow queries", "RB-6: find who asks so much; what it can take, on its own"
                                        " machine: chromadrill load --host URL"),
    "slow searches": ("slow queries", f"RB-6: {PERFORMANCE}"),
    "queue": ("storage", "RB-9: the log is not purged: is the compactor alive?\n"
                         f"      then: {RESTART}"),
    "flusher": ("storage", "RB-1: start it where the server runs: chromadrill flush --path DATA"
                           " --every 1 --heartbeat FILE\n"
                           "      then: take no block snapshot before it lives: chromadrill flush"
                           " --check --heartbeat FILE"),
    "dimension efficiency": ("storage", "RB-9: find what is kept beside vectors; an export into a new"
                                        " volume shrinks it (RB-4): chromadrill backup --url URL --all"
                                        " --output-file FILE"),
    "orphans": ("storage", "RB-9: deleted collections left them; an export into a new volume shrinks"
                           " it (RB-4): chromadrill backup --url URL --all --output-file FILE"),
}  # fmt: skip
# the same for a server of which only the URL is known: ops can do nothing to it
ONLY_A_URL = {
    "service status": f"RB-1: start the server where it runs\nthen: {AGAIN}",
    "out of memory": "RB-9: give it more memory, and restart it where it runs",
    "database file": "RB-2: stop it where it runs, and restore its newest backup",
    "volume use": "RB-9: free space or grow the volume, and restart it where it runs",
    "queue": "RB-9: the log is not purged: restart it where it runs, and look again",
}


def next_step(check: str, *, target: str, url: str, has_ops: bool) -> str:
    """The next step after a cause, as it can be typed; what follows it is on lines of its own.

    `has_ops`: whether `chromadrill ops` can act on the target.
    """
    step = TREE[check][1] if has_ops else ONLY_A_URL.get(check, TREE[check][1])
    step = step.replace("--target T", f"--target {shlex.quote(target)}")
    return step.replace("--url URL", f"--url {url}").replace("--host URL", f"--host {url}")


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
        "flusher": lambda: c.flusher(s),
        "dimension efficiency": lambda: c.dimensions(s), "orphans": lambda: c.orphans(s),
    }  # fmt: skip
    return [questions[name]() for name in TREE]
