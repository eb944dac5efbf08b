"""An embedder of the user's: `[embedding] function = "package.module:callable"`, texts -> vectors.

It may say more of itself: `name`, `revision`, `dimension` and `config` (an object of JSON: whatever
makes its vectors others). Attributes or methods, so an embedding function of chromadb's kind is one.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.redaction import mask_output
from chromadrill.embedding.configuration_hash import configuration_sha256
from chromadrill.embedding.function_model import FunctionModel, Way

SETTING = "[embedding] function"


def load(path: str, way: Way) -> FunctionModel:
    """The function that `path` names. Raises UsageError where it names none, Unavailable."""
    function = _function(path)
    name = _attribute(function, "name")
    config = _attribute(function, "config", "get_config")
    revision = _attribute(function, "revision")
    dimension = _attribute(function, "dimension")
    return FunctionModel(
        function,
        name=name if isinstance(name, str) and name else path,
        revision=revision if isinstance(revision, str) and revision else "own",
        configuration_sha256=configuration_sha256(path, config),
        way=way,
        dimension=dimension if type(dimension) is int and dimension > 0 else None,
    )


def _function(path: str) -> Any:
    module_name, _, attributes = path.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(
            0, str(Path.cwd())
        )  # a command finds modules beside drill.toml, as python -m
    try:
        thing: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise UsageError(f"{SETTING} = '{path}': no module {module_name}.") from error
        raise Unavailable(f"{SETTING} = '{path}': {error}.") from error
    except Exception as error:  # code of the user's, which may do anything
        raise Unavailable(f"{SETTING} = '{path}': {_first_line(error)}.") from error
    for attribute in attributes.split("."):
        try:
            thing = getattr(thing, attribute)
        except AttributeError as error:
            raise UsageError(f"{SETTING} = '{path}': {error}.") from error
    if isinstance(thing, type):
        try:
            thing = thing()
        except Exception as error:
            raise Unavailable(f"{SETTING} = '{path}': {_first_line(error)}.") from error
    if not callable(thing):
        raise UsageError(f"{SETTING} = '{path}' cannot be called: it is {type(thing).__name__}.")
    return thing


def _attribute(function: Any, *names: str) -> Any:
    """What the function says of itself under the first of these names that it has."""
    for name in names:
        value = getattr(function, name, None)
        if value is None:
            continue
        try:
            return value() if callable(value) else value
        except Exception:  # noqa: S112 - what it cannot say is not said
            continue
    return None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return mask_output(f"{type(error).__name__}: {lines[0]}").rstrip(".")
