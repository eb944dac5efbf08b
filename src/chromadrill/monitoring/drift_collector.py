"""Samples of the drift canary: a few stored texts embedded again, held against their stored vectors.

A collection that another model writes to, an embedding service whose model was changed, vectors that
somebody replaced: every call is answered, and searches find less and less.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import now
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.core.protocols import Model
from chromadrill.embedding.likeness import row_cosines
from chromadrill.monitoring import samples
from chromadrill.monitoring.background_call import BackgroundCall
from chromadrill.monitoring.samples import Clock, Sample

PATIENCE_S = (
    2.0  # of one look: a model that is being loaded, or a slow service, is waited for later
)
INCLUDE = ("documents", "embeddings")


@dataclass
class DriftCollector:
    """One sample for all `collections` (names in `scopes`): the lowest cosine of their texts.

    `texts` of each collection are chosen at the first look, spread over it, and keep their place
    while they are there. Their vectors are read at each look. They are embedded anew every
    `embed_every_s`, and at once where one was too far off (`least_cosine`). Of a collection that was
    built anew, or names another function, nothing is remembered. Nothing is waited for longer than
    PATIENCE_S: what is not known by then is no sample, and nobody's health.

    `load`: the model of a collection as it is now; it is asked often, and remembers by itself.
    """

    url: str
    scopes: Sequence[Scope]
    collections: Sequence[str]
    load: Callable[[CollectionInfo], Model]
    texts: int
    least_cosine: float
    embed_every_s: float
    timeout_s: float
    signals = (samples.DRIFT,)
    _chosen: dict[str, list[str]] = field(default_factory=dict, init=False)
    _fresh: dict[str, dict[str, np.ndarray]] = field(default_factory=dict, init=False)
    _embedded_at: float = field(default=-np.inf, init=False)
    _look: BackgroundCall[tuple[float, str]] | None = field(default=None, init=False)

    def collect(self, clock: Clock) -> list[Sample]:
        at = clock()
        if not self.collections:
            why = "cannot be told: no [monitoring] drift_collections names one"
            return [Sample(at, samples.DRIFT, None, why, unsupported=True)]
        look = self._look or BackgroundCall(self._lowest, "drift")
        self._look = None if look.is_done_within(PATIENCE_S) else look
        if self._look:
            return [Sample(at, samples.DRIFT, None, "texts are still being embedded")]
        value, detail = look.value or (None, look.why)
        return [Sample(clock(), samples.DRIFT, value, detail[:300])]

    def _lowest(self) -> tuple[float, str]:
        """The lowest cosine, and whose. Raises Unavailable, CallFailed where it cannot be told."""
        if now() - self._embedded_at >= self.embed_every_s:
            self._fresh, self._embedded_at = {}, now()
        with Chroma(self.url, timeout_s=self.timeout_s) as chroma:
            infos = [info for scope in self.scopes for info in chroma.collections(scope)]
            missing = {*self.collections} - {info.name for info in infos}
            if missing:
                raise Unavailable(f"no collection {', '.join(sorted(missing))}")
            lowest = min(
                self._lowest_of(chroma, info) for info in infos if info.name in self.collections
            )
        if lowest[0] < self.least_cosine:
            self._fresh = {}
        return lowest

    def _lowest_of(self, chroma: Chroma, info: CollectionInfo) -> tuple[float, str]:
        raw = chroma.get(info, ids=self._ids(chroma, info), include=INCLUDE)
        rows = [
            (record, text, vector)
            for record, text, vector in zip(
                raw["ids"], raw["documents"] or [], raw["embeddings"] or [], strict=False
            )
            if text and vector is not None
        ]
        if not rows:
            self._chosen.pop(_state_of(info), None)
            raise Unavailable(f"{info.name} holds no text with a vector")
        fresh = self._embed(info, [text for _, text, _ in rows])
        width = len(fresh[0])
        if any(len(vector) != width for _, _, vector in rows):
            return 0.0, f"{info.name} has {len(rows[0][2])} dimensions, the model makes {width}"
        near = np.nan_to_num(row_cosines(np.asarray([v for _, _, v in rows], np.float32), fresh))
        worst = int(near.argmin())
        count = f"{len(rows)} texts of {info.name} embedded again"
        return float(near[worst]), f"'{rows[worst][0]}' has cosine {near[worst]:.6f}, of {count}"

    def _ids(self, chroma: Chroma, info: CollectionInfo) -> list[str]:
        state = _state_of(info)
        if state not in self._chosen:
            count = chroma.count(info)
            places = np.unique(np.linspace(0, max(0, count - 1), self.texts).astype(int))
            answers = [chroma.get(info, limit=1, offset=int(place)) for place in places]
            self._chosen[state] = [record for raw in answers for record in raw["ids"]]
        return self._chosen[state]

    def _embed(self, info: CollectionInfo, texts: Sequence[str]) -> np.ndarray:
        """float32 (n, dimension); a text that was embedded lately is not embedded again."""
        known = self._fresh.setdefault(_state_of(info), {})
        unknown = [text for text in dict.fromkeys(texts) if text not in known]
        if unknown:
            known.update(zip(unknown, self.load(info).embed(unknown), strict=True))
        return np.stack([known[text] for text in texts])


def _state_of(info: CollectionInfo) -> str:
    """What a rebuild changes, which keeps the name: the id, or what the configuration says."""
    return f"{info.id} {json.dumps(info.configuration, sort_keys=True)}"
