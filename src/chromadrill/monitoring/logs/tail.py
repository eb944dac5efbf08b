"""The last lines of a log that comes over a pipe, which may never end."""

from __future__ import annotations

import os
import select
from collections import deque

from chromadrill.core.clock import now

LONGEST = 1024 * 1024  # bytes of one line; what is before is dropped


def last_lines(source: int, lines: int, within_s: float) -> tuple[list[str], bool]:
    """At most `lines` of what file descriptor `source` gives within `within_s` seconds.

    Also whether it came to its end. A file is read to its end, which takes no waiting.
    """
    kept: deque[bytes] = deque(maxlen=lines)
    rest, ended, until = b"", False, now() + within_s
    while not ended and now() < until:
        if not select.select([source], [], [], max(0.0, until - now()))[0]:
            break
        read = os.read(source, 65_536)
        ended = not read
        *whole, rest = (rest + read).split(b"\n")
        kept.extend(whole)
        rest = rest[-LONGEST:]
    if rest:
        kept.append(rest)
    return [line.decode("utf-8", "replace").rstrip("\r") for line in kept], ended
