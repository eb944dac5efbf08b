"""all-MiniLM-L6-v2 by onnxruntime, which chromadb installs: the default embedder, without torch.

The package holds the model's graph, and the published weights are put into it when it is loaded.
Its vectors are sentence-transformers' own (a test holds both against each other).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from chromadrill.core.errors import Refused, Unavailable, first_line
from chromadrill.embedding.initializers import DIMENSION, initializers
from chromadrill.embedding.weights import (
    FETCH,
    NAME,
    TOKENIZER,
    WEIGHTS,
    WEIGHTS_SHA256,
    find_model_files,
)

GRAPH = Path(__file__).with_name("minilm_graph.onnx")
MOST_TOKENS = 256  # `max_seq_length` of the published model: the rest of a text is not read
ONLY_ERRORS = 3  # of the severities of onnxruntime's log
WINDOW = 1024  # texts that are tokens at the same time
# The first numbers of sentence-transformers' vector of a text with all that a tokenizer may do
# otherwise: accents, capitals, other scripts, words in pieces.
PROBE = "Déjà-vu: 12.5 % of the ÜBER-long names (漢字, кириллица) weren't tokenized right!"
PROBE_VECTOR = (-0.0142, -0.0045, 0.0114, -0.0022, -0.0687, -0.0468, 0.0004, -0.0213, 0.0578)
PROBE_TOLERANCE = 1e-4


class MiniLM:
    """An `Embedder`: 384 dimensions, unit length. Loaded by `load`.

    `workers` batches are embedded side by side, each on `threads` threads.
    """

    name = NAME
    dimension = DIMENSION
    weights_sha256 = WEIGHTS_SHA256  # `find_model_files` has seen to it
    configuration_sha256 = None  # of one kind only

    def __init__(
        self,
        session: Any,
        tokenizer: Any,
        *,
        revision: str,
        threads: int = 1,
        batch_size: int = 8,
        workers: int = 1,
    ) -> None:
        self.revision, self.threads, self.workers = revision, threads, workers
        self._session, self._tokenizer, self._batch_size = session, tokenizer, batch_size

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape (len(texts), 384)."""
        vectors = np.empty((len(texts), DIMENSION), np.float32)
        for start in range(0, len(texts), WINDOW):
            window = slice(start, start + WINDOW)
            try:
                self._embed(texts[window], vectors[window])
            except Exception as error:  # of memory, or of a text that is no Unicode
                raise Unavailable(
                    f"{self.name} could not embed {len(texts)} documents: {first_line(error)}.",
                    next_step="A smaller [embedding] batch_size takes less memory.",
                ) from error
        return vectors

    def _embed(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Fill `vectors`. Texts of a length share a batch, which is as wide as its longest one."""
        tokens = [text.ids for text in self._tokenizer.encode_batch_fast(list(texts))]
        longest_first = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
        batches = [
            longest_first[start : start + self._batch_size]
            for start in range(0, len(tokens), self._batch_size)
        ]

        def fill(rows: list[int]) -> None:
            vectors[rows] = self._run([tokens[row] for row in rows])

        workers = min(self.workers, len(batches))
        if workers < 2:
            for rows in batches:
                fill(rows)
            return
        pool = ThreadPoolExecutor(workers, thread_name_prefix="embedding")
        try:
            for _ in pool.map(fill, batches):
                pass
        finally:  # after Ctrl-C nobody waits for the batches that have not begun
            pool.shutdown(cancel_futures=True)

    def _run(self, tokens: Sequence[Sequence[int]]) -> np.ndarray:
        """The vectors of one batch."""
        ids = np.zeros((len(tokens), max(map(len, tokens))), np.int32)
        mask = np.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        (vectors,) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors)

    def facts(self) -> dict[str, Any]:
        """What a report says of the embedder that ran."""
        return {
            "name": self.name,
            "engine": f"onnxruntime {version('onnxruntime')}",
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
    offline: bool = True,
) -> MiniLM:
    """Find the model and load it, in less than a second.

    Raises Unavailable where there is no model, Refused where weights or tokenizer are another's.
    """
    files = find_model_files(directory, offline=offline)
    try:
        session = _session(files.directory / WEIGHTS, threads)
        tokenizer = _tokenizer(files.directory / TOKENIZER)
    except (
        Exception
    ) as error:  # libraries that do not fit each other, a file that is not what it was
        raise Unavailable(
            f"{NAME} cannot be loaded of {files.directory}: {first_line(error)}.", next_step=FETCH
        ) from error
    model = MiniLM(
        session,
        tokenizer,
        revision=files.revision,
        threads=threads,
        batch_size=batch_size,
        workers=workers,
    )
    _require_same_vector(model, files.directory)
    return model


def _session(weights: Path, threads: int) -> Any:
    """The graph with the weights in it. onnxruntime keeps a copy of them, laid out for its kernels."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(ONLY_ERRORS)  # not that this machine has no GPU
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # a thread that spins while it waits takes the core of whatever else runs
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = ONLY_ERRORS
    tensors = initializers(weights)
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(tensor) for tensor in tensors.values()]
    options.add_external_initializers(list(tensors), values)
    return onnxruntime.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])


def _tokenizer(file: Path) -> Any:
    # its own threads would fight for the cores that `threads` leaves free
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer


def _require_same_vector(model: MiniLM, directory: Path) -> None:
    """The weights are pinned by their hash; the tokenizer, and this machine's kernels, by a vector."""
    (vector,) = model.embed([PROBE])
    difference = float(np.max(np.abs(vector[: len(PROBE_VECTOR)] - np.array(PROBE_VECTOR))))
    if not difference < PROBE_TOLERANCE:
        raise Refused(
            f"{directory} does not give {NAME}'s vectors: a known text's differs by {difference:.2g},"
            f" at most {PROBE_TOLERANCE:g} is wanted. Its weights are right, so look at"
            f" {TOKENIZER}.",
            next_step="Name another directory: [embedding] directory.",
        )
