"""Every backup leaves a line in the journal and pings its heartbeat: good when it is verified,
`/fail` when it is not. Neither ever changes how the backup ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromadrill.core import cli
from chromadrill.core.errors import CapabilityMissing, Forbidden, UsageError
from chromadrill.core.redaction import mask_secrets
from chromadrill.core.settings import Settings
from chromadrill.core.urls import without_password
from chromadrill.evidence.notify import pulse
from chromadrill.monitoring.backup_journal import log_attempt


@contextmanager
def record_backup_attempt(settings: Settings, target: str) -> Iterator[None]:
    """Wrap the making of one backup, its own verification included.

    What was never tried is no attempt: wrong usage, what a safety rule forbids, what the target
    cannot do. What a person interrupts says nothing of the database. Anything else that is raised is
    a failed attempt.
    """
    try:
        yield
    except (UsageError, Forbidden, CapabilityMissing, KeyboardInterrupt):
        raise
    except SystemExit:  # by SIGTERM: a schedule that always cuts its backup short has none
        _record(settings, target, good=False, message="the command was ended from outside")
        raise
    except BaseException as error:
        message = mask_secrets(str(error)) or type(error).__name__
        _record(settings, target, good=False, message=message)
        raise
    _record(settings, target, good=True, message="verified")


def _record(settings: Settings, target: str, *, good: bool, message: str) -> None:
    journal = Path(settings.monitoring.backup_journal)
    try:
        log_attempt(journal, without_password(target), good=good, message=message)
    except OSError as error:
        cli.say(f"{journal}: {error.strerror}; the monitor will not know of this backup.")
    for failure in pulse("backup heartbeat", settings.notify.backup_heartbeat, good=good):
        cli.say(failure)
