"""What can go wrong on the platform, by name: `--fault NAME`."""

from __future__ import annotations

from chromadrill.core.errors import UsageError, did_you_mean

FAULTS = {
    "backup-workflow-error": "the workflow of a backup ends in Error",
    "restore-workflow-error": "the workflow of a restore ends in Error",
    "slow-workflow": "every workflow takes 15 s",
    "lost-response": "the first answer to each mutation is lost, after it was done",
    "lost-request": "backups and restores are lost on their way; nothing is done",
    "refused-workflow": "the token may not ask for workflows",
    "refused-backups": "the token may not touch backups",
    "rate-limit": "every third request is answered with 429",
    "staged-before": "somebody has staged a change of another service",
    "staged-meanwhile": "somebody stages a change while a backup is restored",
    "deployment-crashes": "the first deployment after a restore crashes, and every one after it",
    "wrong-mount-path": "the restored volume is mounted elsewhere: the server would be empty",
    "torn-snapshot": "a snapshot as of a server under load: counts are right, vectors are lost",
}


def require_known(fault: str | None) -> None:
    """Raise UsageError, with the nearest name, for a fault that is none of FAULTS."""
    if fault is not None and fault not in FAULTS:
        raise UsageError(f"--fault {fault}: no such fault. {did_you_mean(fault, FAULTS)}")
