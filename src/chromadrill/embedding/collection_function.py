"""The embedding function that a collection's own configuration names, built by chromadb's registry.

Keys come from the environment variables that the configuration names, and from no others: chromadb's
functions would take OPENAI_API_KEY and its like before them, and send it to whatever address a
collection's configuration holds.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from chromadrill.core.errors import Refused, Unavailable, did_you_mean
from chromadrill.core.model import JSON, CollectionInfo
from chromadrill.core.redaction import hide_password, hide_secret, mask_output
from chromadrill.embedding.configuration_hash import configuration_sha256
from chromadrill.embedding.function_model import FunctionModel, Way

SETTING = '[embedding] function = "collection"'
REVISION = "named by the collection"
OWN = 'Name the embedder: [embedding] function = "package.module:callable".'
# all-MiniLM-L6-v2 in chromadb's hands: the same weights, hence the same vectors
_MINILM_NAMES = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
# whoever may write to the server chooses the variable and the address that its value is sent to
_OURS = re.compile("DRILL_|RAILWAY_|BETTERSTACK_|RESTIC_|AWS_|PG|DATABASE_URL|CHROMA_TOKEN")
_HARMLESS = ("accept", "content-type", "user-agent")  # headers whose values are words of reports
_building = threading.Lock()  # the environment is the whole process's


def named_function(collection: CollectionInfo) -> tuple[str, JSON]:
    """The name of the collection's embedding function, and its configuration.

    Raises Unavailable where the collection names none that could be built.
    """
    function = (collection.configuration or {}).get("embedding_function")
    kind = function.get("type") if isinstance(function, dict) else None
    if not isinstance(function, dict) or kind != "known" or not function.get("name"):
        what = f"one of type '{kind}'" if kind else "none"
        raise Unavailable(
            f"{SETTING}: the configuration of {collection.key} names no embedding function that can"
            f" be built ({what}).",
            next_step=OWN,
        )
    return str(function["name"]), dict(function.get("config") or {})


def is_minilm(collection: CollectionInfo) -> bool:
    """Whether the function is all-MiniLM-L6-v2, which needs no service and no library of its own."""
    name, config = named_function(collection)
    if name in ("default", "onnx_mini_lm_l6_v2"):
        return True
    return name == "sentence_transformer" and config.get("model_name") in _MINILM_NAMES


def load(collection: CollectionInfo, way: Way) -> FunctionModel:
    """The collection's embedding function as a model. Raises Unavailable where it cannot be had.

    Raises Refused where the configuration asks for a secret that is not an embedder's.
    """
    name, config = named_function(collection)
    _hide_secrets(config)
    _require_keys(collection, name, config)
    model = config.get("model_name") or config.get("model") or config.get("model_id")
    return FunctionModel(
        _build(collection, name, config),
        name=f"{name}/{model}" if isinstance(model, str) else name,
        revision=REVISION,
        configuration_sha256=configuration_sha256(name, config),
        way=way,
    )


def _build(collection: CollectionInfo, name: str, config: JSON) -> Any:
    from chromadb.utils.embedding_functions import known_embedding_functions

    if name not in known_embedding_functions:
        raise Unavailable(
            f"{SETTING}: chromadb knows no embedding function '{name}', which {collection.key} names."
            f" {did_you_mean(name, known_embedding_functions)}",
            next_step=OWN,
        )
    try:
        with _only_named_keys(config), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return known_embedding_functions[name].build_from_config(config)
    except Exception as error:  # a library is missing, or a value: ValueError of many texts
        text = mask_output(" ".join(str(error).split())).rstrip(".")
        raise Unavailable(
            f"{SETTING}: '{name}', which {collection.key} names, cannot be built: {text}."
        ) from error


def _key_variables(config: Mapping[str, Any]) -> list[str]:
    """The environment variables that the configuration names: `api_key_env_var` and its like."""
    return [
        value
        for key, value in config.items()
        if key.endswith("_env_var") and isinstance(value, str) and value
    ]


def _require_keys(collection: CollectionInfo, name: str, config: JSON) -> None:
    ours = next((variable for variable in _key_variables(config) if _OURS.match(variable)), None)
    if ours:
        raise Refused(
            f"{SETTING}: the configuration of {collection.key} names {ours} as the key for '{name}':"
            " it is a secret of another service. Nothing was sent.",
            next_step="See who changed that configuration. " + OWN,
        )
    missing = [variable for variable in _key_variables(config) if not os.environ.get(variable)]
    if missing:
        raise Unavailable(
            f"{SETTING}: {' and '.join(missing)}, which the configuration of {collection.key} names"
            f" for '{name}', is not set.",
            next_step=f"export {missing[0]}=...",
        )


@contextlib.contextmanager
def _only_named_keys(config: Mapping[str, Any]) -> Iterator[None]:
    """Without the keys that the configuration does not name, where it names one or none."""
    names_keys = any(key.endswith("_env_var") for key in config)
    named = _key_variables(config)
    with _building:
        hidden = {
            variable: os.environ.pop(variable)
            for variable in list(os.environ)
            if names_keys and variable.endswith("_API_KEY") and variable not in named
        }
        try:
            yield
        finally:
            os.environ.update(hidden)


def _hide_secrets(config: JSON) -> None:
    """Mask from now on what the configuration holds or names: keys, headers, passwords of URLs."""
    for variable in _key_variables(config):
        hide_secret(os.environ.get(variable, ""))
    for key, value in config.items():
        if isinstance(value, dict) and "header" in key:
            for header, content in value.items():
                if header.lower() not in _HARMLESS:
                    hide_secret(str(content))
        elif isinstance(value, str) and "://" in value:
            hide_password(value)
