"""Which model made a collection's vectors, as the collection's metadata says it.

A model is told by the hash of its weights; without weights at hand (a service) by its name and the
hash of its configuration. The second way proves nothing: whoever runs the service may have changed
the model. There the canary decides (`canary`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chromadrill.core.model import JSON
from chromadrill.core.protocols import Model

MODEL, REVISION = "embedding_model", "embedding_revision"
WEIGHTS, DIMENSION = "embedding_weights_sha256", "embedding_dimension"
CONFIGURATION = "embedding_configuration_sha256"
KEYS = (MODEL, REVISION, WEIGHTS, CONFIGURATION, DIMENSION)


def identity(model: Model) -> JSON:
    """What the metadata of a collection says of the model that made its vectors."""
    values = {
        MODEL: model.name,
        REVISION: model.revision,
        WEIGHTS: model.weights_sha256,
        CONFIGURATION: model.configuration_sha256,
        DIMENSION: model.dimension,
    }
    return {key: value for key, value in values.items() if value is not None}


def with_identity(metadata: Mapping[str, Any] | None, model: Model) -> JSON:
    """`metadata` with the identity of `model`, and nothing of the model that was named before."""
    own = {key: value for key, value in (metadata or {}).items() if key not in KEYS}
    return {**own, **identity(model)}


def names_same_model(metadata: Mapping[str, Any] | None, model: Model) -> bool | None:
    """Whether `metadata` names this very model; None where that cannot be told.

    Weights decide where both have them. Else name and configuration: the same ones are the same
    model. Others may be the same model at another address, so they decide nothing.
    """
    known = metadata or {}
    weights, ours = known.get(WEIGHTS), model.weights_sha256
    if weights is not None and ours is not None:
        return bool(weights == ours)
    if weights is not None or ours is not None:
        return None
    named = (known.get(MODEL), known.get(CONFIGURATION))
    return True if named == (model.name, model.configuration_sha256) else None


def describe(model: Model) -> str:
    """The model in a sentence: its name, and the beginning of the hash that it is told by."""
    if model.weights_sha256 is not None:
        return f"{model.name} (weights {model.weights_sha256[:12]}...)"
    if model.configuration_sha256 is not None:
        return f"{model.name} (configuration {model.configuration_sha256[:12]}...)"
    return model.name


def describe_named(metadata: Mapping[str, Any] | None) -> str:
    """The model that the metadata name, as `describe` says it."""
    known = metadata or {}
    name = known.get(MODEL) or "a model without a name"
    for key, kind in ((WEIGHTS, "weights"), (CONFIGURATION, "configuration")):
        if known.get(key) is not None:
            return f"{name} ({kind} {str(known[key])[:12]}...)"
    return str(name)
