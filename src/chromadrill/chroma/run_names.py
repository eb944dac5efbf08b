"""The names that a run gives to what it makes, and whose they are: told by the whole of the name.

    drill-<UTC time>-<host>-<pid>-<random>-<what>

`drill-` alone says nothing: a user's collection may be called drill-bit-manuals.
"""

from __future__ import annotations

import re

RUN_NAME = re.compile(
    r"drill-(?P<time>[0-9]{8}T[0-9]{6})-(?P<host>[0-9a-f]{4})-(?P<pid>[0-9]+)"
    r"-(?P<random>[0-9a-f]{4})-[A-Za-z0-9._-]+"
)


def of_a_run(name: str) -> bool:
    """Whether only a run of a drill gives such a name."""
    return RUN_NAME.fullmatch(name) is not None
