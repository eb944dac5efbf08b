"""Target `remote`: only a URL. It can be read and proven; nothing can be done to it."""

from __future__ import annotations

from collections.abc import Mapping

from chromadrill.chroma.client import connect


class RemoteTarget:
    """A Chroma server somewhere. Has no capability: scenarios that need one are not covered."""

    def __init__(self, url: str, *, name: str = "remote") -> None:
        self.name = name
        self._url = url.rstrip("/")
        connect(self._url, timeout_s=10).close()

    @property
    def url(self) -> str:
        return self._url

    def facts(self) -> Mapping[str, str]:
        with connect(self._url, timeout_s=10) as chroma:
            return {"kind": "remote", "url": chroma.url, **chroma.versions()}
