"""Is it the model that made a collection's vectors? Asked before a rebuild touches anything.

Vectors of two models can have the same width and still not fit together, and no answer shows it.
"""

from __future__ import annotations

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Refused
from chromadrill.core.model import CollectionInfo
from chromadrill.core.protocols import Model
from chromadrill.embedding.identity import describe, describe_named, names_same_model

SAMPLE = 8
SAME = 0.9999
BESIDE = "Under another name it can be made beside it: --collection-name NAME"


def require_same_model(chroma: Chroma, info: CollectionInfo, model: Model) -> None:
    """Raise Refused where the collection's vectors are another model's.

    Where hashes of weights do not decide it, some of its documents are embedded and compared.
    """
    is_named = names_same_model(info.metadata, model)
    if is_named is False:
        raise Refused(
            f"{info.key} was embedded by {describe_named(info.metadata)}, not by"
            f" {describe(model)}. Nothing was touched.",
            next_step=BESIDE,
        )
    if is_named and model.weights_sha256 is not None:
        return
    if info.dimension not in (None, model.dimension):
        raise Refused(
            f"{info.key} has {info.dimension} dimensions, {model.name} makes {model.dimension}."
            " Nothing was touched.",
            next_step=BESIDE,
        )
    lowest = _lowest_cosine(chroma, info, model)
    if lowest is not None and not lowest >= SAME:
        named = is_named is None and not (info.metadata or {}).get("embedding_model")
        reason = " does not say which model embedded it, and" if named else ":"
        raise Refused(
            f"{info.key}{reason} its vectors are not those of {describe(model)}"
            f" (cosine {lowest:.4f}). Nothing was touched.",
            next_step="If they are damaged, make them anew: chromadrill regenerate --source NAME. "
            + BESIDE,
        )


def require_not_another(info: CollectionInfo, model: Model) -> None:
    """As `require_same_model`, by metadata alone: the vectors may be what is to be mended."""
    is_another = names_same_model(info.metadata, model) is False
    if is_another or info.dimension not in (None, model.dimension):
        raise Refused(
            f"{info.key} ({info.dimension} dimensions) was not embedded by {describe(model)},"
            f" {model.dimension} dimensions. Nothing was touched.",
            next_step=BESIDE,
        )


def _lowest_cosine(chroma: Chroma, info: CollectionInfo, model: Model) -> float | None:
    """Of a few records with a document; None where there are none, or the vectors cannot be read."""
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
    return min(cosine(vector, row) for (_, vector), row in zip(rows, fresh, strict=True))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of two vectors; NaN where one has no direction."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else float("nan")
