"""Which model made a collection's vectors: written into its metadata, and read before a rebuild.

Vectors of two models can have the same width and still not fit together, and no answer shows it.
"""

from __future__ import annotations

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Refused
from chromadrill.core.model import JSON, CollectionInfo
from chromadrill.core.protocols import Model

MODEL, REVISION = "embedding_model", "embedding_revision"
WEIGHTS, DIMENSION = "embedding_weights_sha256", "embedding_dimension"
SAMPLE = 8
SAME = 0.9999


def identity(model: Model) -> JSON:
    """What the metadata of a collection says of the model that made its vectors."""
    return {
        MODEL: model.name,
        REVISION: model.revision,
        WEIGHTS: model.weights_sha256,
        DIMENSION: model.dimension,
    }


def require_same_model(chroma: Chroma, info: CollectionInfo, model: Model) -> None:
    """Raise Refused where the collection's vectors are another model's.

    Where its metadata names no model, some of its documents are embedded and compared.
    """
    weights = (info.metadata or {}).get(WEIGHTS)
    if weights == model.weights_sha256:
        return
    beside = "Under another name it can be made beside it: --collection-name NAME"
    if weights is not None:
        raise Refused(
            f"{info.key} was embedded by {(info.metadata or {}).get(MODEL)} (weights {weights[:12]}...),"
            f" not by {model.name} ({model.weights_sha256[:12]}...). Nothing was touched.",
            next_step=beside,
        )
    if info.dimension not in (None, model.dimension):
        raise Refused(
            f"{info.key} has {info.dimension} dimensions, {model.name} makes {model.dimension}."
            " Nothing was touched.",
            next_step=beside,
        )
    lowest = _lowest_cosine(chroma, info, model)
    if lowest is not None and lowest < SAME:
        raise Refused(
            f"{info.key} does not say which model embedded it, and its vectors are not those of"
            f" {model.name} (cosine {lowest:.4f}). Nothing was touched.",
            next_step="If they are damaged, make them anew: chromadrill regenerate --source NAME. "
            + beside,
        )


def require_not_another(info: CollectionInfo, model: Model) -> None:
    """As `require_same_model`, by metadata alone: the vectors may be what is to be mended."""
    weights = (info.metadata or {}).get(WEIGHTS, model.weights_sha256)
    if weights != model.weights_sha256 or info.dimension not in (None, model.dimension):
        raise Refused(
            f"{info.key} ({info.dimension} dimensions) was not embedded by {model.name}, weights"
            f" {model.weights_sha256[:12]}..., {model.dimension} dimensions. Nothing was touched.",
            next_step="Under another name it can be made beside it: --collection-name NAME",
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
