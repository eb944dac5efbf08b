"""Target `remote`: only a URL, and headers where a proxy or Chroma Cloud wants them.

It can be read and proven; nothing can be done to its platform. It has no capability: scenarios that
need one are named as not covered.
"""

from __future__ import annotations

from collections.abc import Mapping

from chromadrill.chroma.connection import connect
from chromadrill.core.errors import UsageError
from chromadrill.targets.kinds import TargetSpec


def open_remote(spec: TargetSpec) -> RemoteTarget:
    """The server at the table's `url`; raises UsageError where there is none."""
    if not spec.table.url:
        raise UsageError(f"[targets.{spec.name}] url = ... is missing: where the server answers.")
    return RemoteTarget(spec.table.url, name=spec.name)


class RemoteTarget:
    """A Chroma server somewhere. What may be done there, and its headers: `chroma.permissions`."""

    def __init__(self, url: str, *, name: str = "remote") -> None:
        self.name = name
        self._url = url.rstrip("/")
        connect(self._url, timeout_s=10).close()

    @property
    def url(self) -> str:
        """Where the server answers."""
        return self._url

    def facts(self) -> Mapping[str, str]:
        """What identifies this deployment in a report."""
        with connect(self._url, timeout_s=10) as chroma:
            return {"kind": "remote", "url": chroma.url, **chroma.versions()}
