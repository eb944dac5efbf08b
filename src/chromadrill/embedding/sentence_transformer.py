"""Models by sentence-transformers and torch, the extra `embed`: other models, GPUs, the reference."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from chromadrill.core.errors import Unavailable, first_line
from chromadrill.embedding import weights
from chromadrill.embedding.weights import ModelFiles

INSTALL = "pip install 'chromadrill[embed]' (pip, not uv: uv takes a torch of several GB)."
# a hub's repository often has the same weights for other libraries, too
HUB_FILES = ("*.safetensors", "*.bin", "*.json", "*.txt", "*.model")
MODULES = "modules.json"  # which folders of a model are loaded


class SentenceTransformerModel:
    """A `Model`. `workers` batches are embedded side by side; `threads` are torch's, of the process."""

    configuration_sha256 = None  # the weights' hash tells it

    def __init__(
        self,
        model: Any,
        *,
        name: str,
        revision: str,
        weights_sha256: str,
        dimension: int,
        threads: int,
        batch_size: int,
        workers: int = 1,
    ) -> None:
        self.name, self.revision, self.weights_sha256 = name, revision, weights_sha256
        self.threads, self.workers = threads, workers
        self.dimension = dimension
        self._model, self._batch_size = model, batch_size

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape (len(texts), dimension)."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        workers = min(self.workers, -(-len(texts) // self._batch_size))
        if workers < 2:
            return self._encode(texts)
        # long and short ones in turn, so that all workers have as much to do
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        shares = [order[number::workers] for number in range(workers)]
        vectors = np.empty((len(texts), self.dimension), np.float32)
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
        return np.asarray(vectors, np.float32).reshape(len(texts), self.dimension)

    def facts(self) -> dict[str, Any]:
        """What a report says of the embedder that ran."""
        return {
            "name": self.name,
            "engine": f"sentence-transformers {version('sentence-transformers')}",
            "revision": self.revision,
            "weights_sha256": self.weights_sha256,
            "dimension": self.dimension,
            "threads": self.threads,
            "workers": self.workers,
        }


def load(
    name: str = weights.NAME,
    directory: Path | None = None,
    *,
    threads: int = 1,
    workers: int = 1,
    batch_size: int = 8,
    device: str = "cpu",
    offline: bool = True,
) -> SentenceTransformerModel:
    """Find the model and load it (seconds). Raises Unavailable without `embed`, or the device."""
    if importlib.util.find_spec("sentence_transformers") is None:
        raise Unavailable("The extra `embed` is not installed.", next_step=INSTALL)
    files = _find_files(name, directory, offline)
    weights.prepare_hub(offline)
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call,unused-ignore]  # of reading one file, in the midst of our own lines
        torch.set_num_threads(threads)
        model = SentenceTransformer(str(files.directory), device=device, local_files_only=True)
        # this sets the tokenizer up as well, which no two threads may do at once
        (vector,) = model.encode(["A text"], convert_to_numpy=True, show_progress_bar=False)
    except Exception as error:  # a device that is not there is an AssertionError or RuntimeError
        raise Unavailable(
            f"{name} cannot be loaded, [embedding] device = {device!r}: {first_line(error)}.",
            next_step='cpu works everywhere: [embedding] device = "cpu"; else ' + INSTALL,
        ) from error
    return SentenceTransformerModel(
        model,
        name=name,
        revision=files.revision,
        weights_sha256=weights_sha256(files.directory),
        dimension=len(vector),
        threads=threads,
        workers=workers,
        batch_size=batch_size,
    )


def _find_files(name: str, directory: Path | None, offline: bool) -> ModelFiles:
    if name == weights.NAME:
        return weights.find_model_files(directory, offline=offline)
    if directory is None:
        return weights.from_hub(name, offline=offline, files=HUB_FILES)
    if not directory.is_dir():
        raise Unavailable(f"[embedding] directory = {directory}: no such directory.")
    return ModelFiles(directory, f"directory {directory.name}")


def weights_sha256(directory: Path) -> str:
    """The hash of the weights that are loaded: of the one file, or of the list of all of them."""
    folders = [directory]
    if (directory / MODULES).is_file():
        modules = json.loads((directory / MODULES).read_text("utf-8"))
        folders = [directory / module["path"] for module in modules]
    hashes = {}
    for folder in folders:
        files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
        for file in files:
            hashes[file.relative_to(directory).as_posix()] = weights.sha256_of(file)
    if not hashes:
        raise Unavailable(f"{directory} holds no weights (*.safetensors, *.bin).")
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
