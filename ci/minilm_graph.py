"""Writes all-MiniLM-L6-v2's graph, without its weights: python ci/minilm_graph.py [--check].

The weights are put in when the model is loaded (`chromadrill.embedding.minilm`), by the names that
`chromadrill.embedding.initializers` gives them. The operators of com.microsoft are onnxruntime's
own: one node each for attention and for the sum with its layer norm.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from chromadrill.embedding.initializers import HEADS, LAYERS, shapes

GRAPH = Path(__file__).parents[1] / "src" / "chromadrill" / "embedding" / "minilm_graph.onnx"
EPSILON = 1e-12  # `layer_norm_eps` of the model's configuration
# opset and IR that onnxruntime 1.17 can read, too
OPSET, IR_VERSION = 17, 8


def graph() -> onnx.ModelProto:
    """input_ids and attention_mask, int32 of (texts, tokens); vectors, float32 of (texts, 384)."""
    nodes = [_node("EmbedLayerNormalization", [
        "input_ids", "", "words", "positions", "", "embeddings.gamma", "embeddings.beta",
    ], ["hidden.0", "unused"], epsilon=EPSILON)]  # fmt: skip
    for layer in range(LAYERS):
        nodes += _layer(layer)
    return helper.make_model(
        helper.make_graph(
            [*nodes, *_pooling(f"hidden.{LAYERS}")],
            "all-MiniLM-L6-v2",
            [_tensor("input_ids", TensorProto.INT32, "tokens"),
             _tensor("attention_mask", TensorProto.INT32, "tokens")],
            [_tensor("vectors", TensorProto.FLOAT, shapes()["positions"][1])],
            [*(_weights(name, shape) for name, shape in shapes().items()),
             helper.make_tensor("one", TensorProto.INT64, [1], [1])],
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)],
        ir_version=IR_VERSION,
    )  # fmt: skip


def _layer(number: int) -> list[onnx.NodeProto]:
    """Attention, then the two dense layers, each added to what came in and normed."""
    at, hidden = f"layer.{number}.", f"hidden.{number}"
    return [
        _node("Attention", [hidden, f"{at}qkv.weight", f"{at}qkv.bias", "attention_mask"],
              [f"{at}context"], num_heads=HEADS),
        helper.make_node("MatMul", [f"{at}context", f"{at}attention.weight"], [f"{at}attended"]),
        _node("SkipLayerNormalization", [
            f"{at}attended", hidden, f"{at}attention.gamma", f"{at}attention.beta",
            f"{at}attention.bias",
        ], [f"{at}between"], epsilon=EPSILON),
        helper.make_node("MatMul", [f"{at}between", f"{at}up.weight"], [f"{at}wide"]),
        _node("BiasGelu", [f"{at}wide", f"{at}up.bias"], [f"{at}active"]),
        helper.make_node("MatMul", [f"{at}active", f"{at}down.weight"], [f"{at}narrow"]),
        _node("SkipLayerNormalization", [
            f"{at}narrow", f"{at}between", f"{at}down.gamma", f"{at}down.beta", f"{at}down.bias",
        ], [f"hidden.{number + 1}"], epsilon=EPSILON),
    ]  # fmt: skip


def _pooling(hidden: str) -> list[onnx.NodeProto]:
    """The mean over the tokens that are no padding, at length 1: the sum has the same direction."""
    return [
        helper.make_node("Cast", ["attention_mask"], ["ones"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["ones", "one"], ["row"]),
        helper.make_node("MatMul", ["row", hidden], ["sums"]),
        helper.make_node("Squeeze", ["sums", "one"], ["sum"]),
        helper.make_node("LpNormalization", ["sum"], ["vectors"], axis=-1, p=2),
    ]


def _node(kind: str, inputs: list[str], outputs: list[str], **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, outputs, domain="com.microsoft", **attributes)


def _tensor(name: str, kind: int, second: str | int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["texts", second])


def _weights(name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
    """A tensor that says where its bytes would be: they are given at run time."""
    tensor = onnx.TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="given-at-run-time")
    return tensor


def main(arguments: list[str]) -> int:
    model = graph().SerializeToString(deterministic=True)
    if "--check" not in arguments:
        GRAPH.write_bytes(model)
    elif GRAPH.read_bytes() != model:
        sys.stderr.write(f"{GRAPH.name} is stale: python ci/minilm_graph.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
