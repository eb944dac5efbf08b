"""A client of a running server, for commands: production is only read, and every error is a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chromadrill.chroma import connection
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.settings import load
from chromadrill.targets.safety.access import declare_credentials, declare_read_only
from chromadrill.targets.safety.target_role import target_role

LONG_S = 60.0  # for one call in long work
DEADLINE_S = 20.0  # for one call; two that miss it end the observation


@contextmanager
def connect(
    url: str, *, deadline_s: float = DEADLINE_S, break_glass: str | None = None
) -> Iterator[Chroma]:
    """A client of a Chroma 1.x server; what fails on the way is Unavailable, with a sentence.

    Production is only read, and slowly, unless a person said `break_glass`.
    """
    settings = load()
    declare_credentials(settings, url)
    if break_glass is None and target_role(settings, url).is_production:
        declare_read_only(url)
    with connection.connect(url, timeout_s=deadline_s) as chroma:
        try:
            yield chroma
        except CallFailed as error:
            raise Unavailable(f"{chroma.url}: {error}") from error
