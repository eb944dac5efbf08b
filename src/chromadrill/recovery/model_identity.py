"""Is it the model that made a collection's vectors? Asked before a rebuild touches anything.

Vectors of two models can have the same width and still not fit together, and no answer shows it.
"""

from __future__ import annotations

from itertools import islice

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import CollectionInfo, CollectionPrint
from chromadrill.core.protocols import Model
from chromadrill.embedding import collection_function
from chromadrill.embedding.canary import canary_of_collection, canary_of_fingerprint
from chromadrill.embedding.identity import MODEL, describe, describe_named, names_same_model
from chromadrill.embedding.weights import NAME
from chromadrill.recovery.sources.rows import RowSource

LOST_BATCHES = 20  # of the source that are looked through for a document that was lost unchanged
BESIDE = "Under another name it can be made beside it: --collection-name NAME"
MEND = "If they are damaged, make them anew: chromadrill regenerate --source NAME. " + BESIDE


def require_same_model(
    chroma: Chroma, info: CollectionInfo, model: Model, least: float, next_step: str = MEND
) -> None:
    """Raise Refused where the collection's vectors are another model's.

    Where hashes of weights do not decide it, some of its documents are embedded and compared.
    """
    require_not_another(info, model)
    if model.weights_sha256 is not None and names_same_model(info.metadata, model):
        return
    result = canary_of_collection(chroma, info, model, least)
    if result is None:
        refuse_default_for_another(info, model)
        return
    if result.is_same(least):
        return
    names_model = bool((info.metadata or {}).get(MODEL))
    origin = "" if names_model else "does not say which model embedded it, and "
    raise Refused(
        f"{info.key} {origin}its vectors are not those of {describe(model)}"
        f" ({result.sentence()}). Nothing was touched.",
        next_step=_function_of(info, model) + next_step,
    )


def require_named_model(chroma: Chroma, info: CollectionInfo, model: Model, least: float) -> None:
    """As `require_same_model`, where the vectors may be what is to be mended.

    Metadata decide, where they can. Where they name a model that may be the same one (another address
    of a service), the vectors must be its own.
    """
    require_not_another(info, model)
    names_model = bool((info.metadata or {}).get(MODEL)) or names_another_function(info, model)
    if names_model and names_same_model(info.metadata, model) is None:
        require_same_model(chroma, info, model, least, next_step=BESIDE)


def require_lost_model(
    lost: CollectionPrint, source: RowSource, model: Model, least: float
) -> None:
    """Raise Refused where the lost vectors were another model's, as far as the fingerprint shows it.

    Its sketches are compared before anything is embedded: afterwards all of it would have been paid.
    """
    require_not_another(lost.info, model)
    if model.weights_sha256 is not None and names_same_model(lost.info.metadata, model):
        return
    for rows in islice(source.rows(), LOST_BATCHES):
        texts = {row.id: row.content for row in rows}
        if result := canary_of_fingerprint(lost, texts, model, least):
            break
    else:
        refuse_default_for_another(lost.info, model)
        return
    if not result.is_same(least):
        raise Refused(
            f"{lost.info.key} of the fingerprint was not embedded by {describe(model)}: its vectors"
            f" are others ({result.sentence()}). Nothing was touched.",
            next_step=_function_of(lost.info, model)
            + "Name the model that made them: [embedding] function. "
            + BESIDE,
        )


def refuse_default_for_another(info: CollectionInfo, model: Model) -> None:
    """Raise Refused for the default model where the collection names another function.

    An application that starts after the loss creates its collection again, empty: no vector is there
    that could tell, and the right width neither.
    """
    if names_another_function(info, model):
        raise Refused(
            f"{info.key} has no vector to compare, and is not said to be of {describe(model)}."
            " Nothing was touched.",
            next_step=_function_of(info, model) + BESIDE,
        )


def names_another_function(info: CollectionInfo, model: Model) -> bool:
    """Whether the model is the default one, and the collection's configuration names another."""
    if model.name != NAME or names_same_model(info.metadata, model):
        return False
    return bool(_function_of(info, model))


def _function_of(info: CollectionInfo, model: Model) -> str:
    """The hint at the function that the configuration names; empty where it is what was asked."""
    if model.revision == collection_function.REVISION:
        return ""
    try:
        if collection_function.is_minilm(info):
            return ""
        name, _ = collection_function.named_function(info)
    except Unavailable:
        return ""
    return f"Its configuration names '{name}': [embedding] function = \"collection\". "


def require_not_another(info: CollectionInfo, model: Model) -> None:
    """By metadata and width alone."""
    if names_same_model(info.metadata, model) is False:
        raise Refused(
            f"{info.key} was embedded by {describe_named(info.metadata)}, not by"
            f" {describe(model)}. Nothing was touched.",
            next_step=BESIDE,
        )
    if info.dimension not in (None, model.dimension):
        raise Refused(
            f"{info.key} has {info.dimension} dimensions, {model.name} makes {model.dimension}."
            " Nothing was touched.",
            next_step=_function_of(info, model) + BESIDE,
        )
