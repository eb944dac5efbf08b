"""The last lines of a log that comes over a pipe, which may never end."""

from __future__ import annotations

import os
import select
from collections import deque

from chromadrill.core.clock import now

LONGEST = 1024 * 1024  # bytes of one line; what is before is dropped


def last_lines(source: int, lines: int, within_s: float) -> tuple[list[str], bool]:
    """The last `lines` that file descriptor `source` gives within `within_s` seconds.

    Also returns whether the source ended. A file is read to its end, which takes no waiting.
    """
    last: deque[bytes] = deque(maxlen=lines)
    rest, ended, until = b"", False, now() + within_s
    while not ended and now() < until:
        if not select.select([source], [], [], max(0.0, until - now()))[0]:
            break
        read = os.read(source, 65_536)
        ended = not read
        *whole, rest = (rest + read).split(b"\n")
        last.extend(whole)
        rest = rest[-LONGEST:]
    if rest:
        last.append(rest)
    return [line.decode("utf-8", "replace").rstrip("\r") for line in last], ended
