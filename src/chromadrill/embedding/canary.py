"""The canary: stored documents embedded again must give the stored vectors.

Names, configurations and widths are what somebody says of a model; this is what it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.digests import digest, sketch
from chromadrill.core.model import CollectionInfo, CollectionPrint
from chromadrill.core.protocols import Model
from chromadrill.embedding.likeness import cosines, is_shuffled

SAMPLE = 8


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """`lowest` cosine of a stored vector and the one made now, of `compared` documents.

    `shuffled`: the vectors made now are the stored ones, in another order.
    """

    compared: int
    lowest: float
    shuffled: bool = False

    def is_same(self, least: float) -> bool:
        return self.lowest >= least  # NaN: a vector without a direction

    def sentence(self) -> str:
        """Why they are not the model's own."""
        if self.shuffled:
            return "its vectors are the model's in another order: it answers in a wrong order"
        return f"cosine {self.lowest:.4f}"


def canary_of_collection(
    chroma: Chroma, info: CollectionInfo, model: Model, least: float
) -> CanaryResult | None:
    """Of a few records with a document; None where there are none, or no vector can be read."""
    try:
        raw = chroma.get(info, include=("documents", "embeddings"), limit=SAMPLE)
    except CallFailed as error:
        if error.status == 0:
            raise
        return None
    rows = [
        (text, np.asarray(vector, np.float64))
        for text, vector in zip(raw["documents"] or [], raw["embeddings"] or [], strict=False)
        if text is not None and vector is not None
    ]
    if not rows:
        return None
    fresh = model.embed([text for text, _ in rows])
    return _compare(np.stack([vector for _, vector in rows]), fresh, least)


def canary_of_fingerprint(
    lost: CollectionPrint, texts: Mapping[str, str], model: Model, least: float
) -> CanaryResult | None:
    """Of the sketches that a fingerprint keeps. `texts`: documents by id, as the source has them now.

    None where the fingerprint has a vector of none of these documents.
    """
    digests = {id_: digest(text.encode("utf-8", "surrogatepass")) for id_, text in texts.items()}
    stored: dict[str, np.ndarray] = {}
    wanted = pa.array(list(texts), pa.string())
    for table in lost.records.batches():
        found = table.filter(pc.is_in(table["id"], wanted))
        columns = (found[name].to_pylist() for name in ("id", "document", "sketch"))
        for id_, document, projected in zip(*columns, strict=True):
            if projected is not None and document == digests[id_]:
                stored[id_] = np.asarray(projected)
        if len(stored) >= SAMPLE:
            break
    ids = list(stored)[:SAMPLE]
    if not ids:
        return None
    fresh = sketch(model.embed([texts[id_] for id_ in ids]))
    return _compare(np.stack([stored[id_] for id_ in ids]), fresh, least)


def _compare(stored: np.ndarray, fresh: np.ndarray, least: float) -> CanaryResult:
    lowest = float(np.diagonal(cosines(stored, fresh)).min())  # NaN wins
    return CanaryResult(len(stored), lowest, is_shuffled(stored, fresh, least))
