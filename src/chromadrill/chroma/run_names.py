"""The names that a run gives to what it creates. The whole name says whose it is.

    drill-<UTC time>-<host>-<pid>-<random>-<what>

`drill-` alone says nothing: a user's collection may be called drill-bit-manuals.
"""

from __future__ import annotations

import re

RUN_NAME = re.compile(
    r"drill-(?P<time>[0-9]{8}T[0-9]{6})-(?P<host>[0-9a-f]{4})-(?P<pid>[0-9]+)"
    r"-(?P<random>[0-9a-f]{4})-[A-Za-z0-9._-]+"
)


def is_run_name(name: str) -> bool:
    """Whether `name` is one that only a run of a drill gives."""
    return RUN_NAME.fullmatch(name) is not None
