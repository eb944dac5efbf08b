"""What a red or open check means for on-call, and the command that comes next."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.model import JSON

VALIDATE = "python scripts/validate_chromadb.py --url URL --all --fingerprint FINGERPRINT"
SNAPSHOTS = "python -m chromadrill.ops --target TARGET snapshots"
PROVE = "pytest -m drill --backup PATH"
AGAIN = "pytest -m drill"
LOGS = "python -m chromadrill.ops --target TARGET logs --lines 200"

# by the beginning of a check's name: what it means, and what to do
_ADVICE = {
    "files": ("the backup's files are not those that were written; take an older one", SNAPSHOTS),
    "export": ("the export was cut or altered; take another, and prove it", PROVE),
    "integrity": ("SQLite's own check fails: do not serve it, restore another backup", SNAPSHOTS),
    "structure": ("index files are damaged: do not serve it, restore another backup", SNAPSHOTS),
    "start": ("the server does not come up on this data", LOGS),
    "inventory": ("collections, databases or tenants differ", VALIDATE),
    "counts": ("records are missing or too many", VALIDATE),
    "records": ("records differ from those of the backup", VALIDATE),
    "configuration": ("metric, index settings or metadata differ", VALIDATE),
    "distances": ("the index answers by other vectors or another metric", VALIDATE),
    "recall": ("the index finds less than it did", VALIDATE),
    "filters": ("filters answer wrongly", VALIDATE),
    "text search": ("the full-text index answers wrongly", VALIDATE),
    "alive": ("the server died while it was asked", LOGS),
    "canary": ("the restored copy does not take writes", LOGS),
    "disaster seen": ("no client saw the disaster, so it proves nothing; run it again", AGAIN),
    "recovery time": ("it did not come back in time; which phase took it is in the timeline", LOGS),
    "data loss": ("acknowledged writes are gone; is there a newer backup?", SNAPSHOTS),
    "runbook command": ("a command of the runbook failed; its error is in the message", LOGS),
    "original": ("the backup was changed while it was proven; take it from its store again", PROVE),
    "search p90": ("searches are too slow", "locust -f loadtests/ --host URL --headless"),
}


def next_step(verdicts: Sequence[JSON], error: str | None, runbook: str) -> str | None:
    """A sentence for the first check that is not green, FAIL before UNKNOWN; None where all are."""
    for outcome in ("fail", "unknown"):
        for each in verdicts:
            if each["outcome"] == outcome:
                meaning, command = advice(each["check"])
                return f"{each['check']}: {meaning}. Next: {command}. Runbook: {runbook}."
    if error:
        return f"The scenario itself broke ({error[:200]}). Next: read it, run the drill again."
    return None


def advice(check: str) -> tuple[str, str]:
    """What a check means when it is not green, and what to do."""
    for name in sorted(_ADVICE, key=len, reverse=True):
        if check.startswith(name):
            return _ADVICE[name]
    return ("it is not as it should be; see its message", VALIDATE)
