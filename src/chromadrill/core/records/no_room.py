"""The error of a temporary folder that is too small.

A file of its own: whoever opens a store raises it, and need not bring pyarrow for that.
"""

from __future__ import annotations

import tempfile

from chromadrill.core.errors import Unavailable


class NoRoom(Unavailable):
    """What a command puts aside does not fit in the temporary folder."""

    def __init__(self, what: str, size: int) -> None:
        super().__init__(
            f"{what} does not fit in the temporary folder {tempfile.gettempdir()}.",
            next_step=f"Make room there for {size / 1e6:.0f} MB and as much again, or set TMPDIR to a"
            " folder with room, and repeat the command.",
        )
