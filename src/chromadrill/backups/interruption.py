"""The stop of a server for a backup: the backup is the end of it, also where the stop itself fails."""

from __future__ import annotations

import logging

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.core.protocols import StartStop

ENDS_LATE_S = 120.0  # a server may write back for longer than its `stop` waits
LOG = logging.getLogger(__name__)


def stop_for_backup(target: StartStop) -> None:
    """Stop the server; the caller starts it again.

    Raises what `stop` raises, Ctrl-C too. The server has been told to end by then, and may yet do so:
    it is waited for, and started again.
    """
    try:
        target.stop()
    except BaseException:
        LOG.warning(
            "The stop of %s failed. It is started again if it ends within %g s.",
            target.name,
            ENDS_LATE_S,
        )
        _start_after_late_end(target)
        raise


def _start_after_late_end(target: StartStop) -> None:
    """Start it once it has ended, never beside it: two servers on one directory lose vectors."""
    try:
        wait_until(
            lambda: not target.running(), within_s=ENDS_LATE_S, name=f"the end of {target.name}"
        )
    except Unavailable:
        LOG.warning(
            "%s has not ended. Should it end yet, nobody starts it again:"
            " chromadrill ops --target %s start",
            target.name,
            target.name,
        )
        return
    target.start()
