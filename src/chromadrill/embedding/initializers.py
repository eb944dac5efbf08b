"""The published weights of all-MiniLM-L6-v2, as the tensors that its graph names.

`ci/minilm_graph.py` writes the graph by `shapes`, `minilm.py` fills it by `initializers`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

LAYERS, HEADS, DIMENSION, WIDTH, WORDS, POSITIONS = 6, 12, 384, 1536, 30522, 512


def shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor of the graph that is not in its file, all of them float32."""
    narrow = (DIMENSION,)
    tensors: dict[str, tuple[int, ...]] = {
        "words": (WORDS, DIMENSION),
        "positions": (POSITIONS, DIMENSION),
        "embeddings.gamma": narrow,
        "embeddings.beta": narrow,
    }
    for number in range(LAYERS):
        layer = f"layer.{number}."
        tensors |= {
            f"{layer}qkv.weight": (DIMENSION, 3 * DIMENSION),
            f"{layer}qkv.bias": (3 * DIMENSION,),
            f"{layer}attention.weight": (DIMENSION, DIMENSION),
            f"{layer}attention.bias": narrow,
            f"{layer}attention.gamma": narrow,
            f"{layer}attention.beta": narrow,
            f"{layer}up.weight": (DIMENSION, WIDTH),
            f"{layer}up.bias": (WIDTH,),
            f"{layer}down.weight": (WIDTH, DIMENSION),
            f"{layer}down.bias": narrow,
            f"{layer}down.gamma": narrow,
            f"{layer}down.beta": narrow,
        }
    return tensors


def initializers(weights: Path) -> dict[str, np.ndarray]:
    """The tensors of `shapes`, of the published model.safetensors."""
    from safetensors import safe_open

    with safe_open(weights, "numpy") as file:  # type: ignore[no-untyped-call,unused-ignore]

        def read(name: str) -> np.ndarray:
            return np.asarray(file.get_tensor(name))

        tensors = {
            "words": read("embeddings.word_embeddings.weight"),
            # a text is all of token type 0, whose vector is added to every token as well
            "positions": read("embeddings.position_embeddings.weight")
            + read("embeddings.token_type_embeddings.weight")[0],
            "embeddings.gamma": read("embeddings.LayerNorm.weight"),
            "embeddings.beta": read("embeddings.LayerNorm.bias"),
        }
        for number in range(LAYERS):
            block, layer = f"encoder.layer.{number}.", f"layer.{number}."
            joined = [f"{block}attention.self.{part}" for part in ("query", "key", "value")]
            tensors |= {
                f"{layer}qkv.weight": np.concatenate(
                    [read(f"{one}.weight").T for one in joined], 1
                ),
                f"{layer}qkv.bias": np.concatenate([read(f"{one}.bias") for one in joined]),
                f"{layer}up.weight": read(f"{block}intermediate.dense.weight").T,
                f"{layer}up.bias": read(f"{block}intermediate.dense.bias"),
            }
            for ours, theirs in (("attention", "attention.output"), ("down", "output")):
                tensors |= {
                    f"{layer}{ours}.weight": read(f"{block}{theirs}.dense.weight").T,
                    f"{layer}{ours}.bias": read(f"{block}{theirs}.dense.bias"),
                    f"{layer}{ours}.gamma": read(f"{block}{theirs}.LayerNorm.weight"),
                    f"{layer}{ours}.beta": read(f"{block}{theirs}.LayerNorm.bias"),
                }
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
