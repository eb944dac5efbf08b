"""The stop of a server for a backup: the backup is the end of it, also where the stop itself fails."""

from __future__ import annotations

import logging

from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.core.protocols import StartStop

ENDS_LATE_S = 120.0  # a server may write back for longer than its `stop` waits
REFUSED_S = 5.0  # a `stop` that fails within that told the server nothing, as a rule
LOG = logging.getLogger(__name__)


def stop_for_backup(target: StartStop) -> None:
    """Stop the server; the caller starts it again.

    Raises what `stop` raises, Ctrl-C too. The server may have been told to end by then, and may yet do
    so: it is waited for, and started again. One whose `stop` failed at once gets a few seconds alone.
    """
    began = now()
    try:
        target.stop()
    except BaseException as error:
        is_refused = isinstance(error, Exception) and now() - began < REFUSED_S
        if not is_refused:
            LOG.warning(
                "The stop of %s failed. It is started again if it ends within %g s. Ctrl-C ends the"
                " waiting.",
                target.name,
                ENDS_LATE_S,
            )
        _start_after_late_end(target, within_s=REFUSED_S if is_refused else ENDS_LATE_S)
        raise


def _start_after_late_end(target: StartStop, *, within_s: float) -> None:
    """Start it once it has ended, never beside it: two servers on one directory lose vectors."""
    try:
        wait_until(
            lambda: not target.running(), within_s=within_s, name=f"the end of {target.name}"
        )
    except BaseException as error:  # Ctrl-C, too: then as well nobody waits any more
        LOG.warning(
            "%s has not ended. Should it end yet, nobody starts it again:"
            " chromadrill ops --target %s start",
            target.name,
            target.name,
        )
        if isinstance(error, Unavailable):
            return
        raise
    target.start()
