"""Floating-point operations of a TensorFlow graph, counted and not timed.

    count(trainer_step.get_concrete_function(...).graph)   # 5.2e9

A multiplication with its addition counts as two; what is no matrix product or convolution counts
one for each value that it gives. The body of a loop counts once.
"""

import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

# they rename or describe what is in memory already, or are folded away before the graph runs
FREE = {
    *("Assert", "BroadcastGradientArgs", "Const", "EnsureShape", "ExpandDims", "Identity"),
    *("IdentityN", "NoOp", "Placeholder", "PreventGradient", "Range", "Rank", "ReadVariableOp"),
    *("Reshape", "Shape", "ShapeN", "Size", "Squeeze", "StopGradient"),
}
CALLS = {"Case", "If", "PartitionedCall", "StatefulPartitionedCall", "StatelessIf", "While"}
CALLS |= {"StatelessWhile"}


def count(graph: tf.Graph) -> float:
    """Add up the operations of a graph whose shapes are known, and of the functions it calls."""
    return sum(map(flops, operations(graph)))


def operations(graph: tf.Graph) -> Iterator[tf.Operation]:
    """Yield every operation that the device runs, including those of called functions."""
    for operation in graph.get_operations():
        if operation.type in CALLS:
            for name in _called(operation):
                yield from operations(graph._get_function(name).graph)
        elif operation.type not in FREE and not _on_host(operation):
            yield operation


def _called(operation: tf.Operation) -> list[str]:
    """Names of the functions that an operation runs; of a loop, its body."""
    kinds = [a.name for a in operation.op_def.attr if a.type == "func" and a.name != "cond"]
    return [operation.get_attr(kind).name for kind in kinds]


def _on_host(operation: tf.Operation) -> bool:
    """Whole numbers are shapes, counters and seeds: TensorFlow keeps them with the processor."""
    return all(not t.dtype.is_floating for t in (*operation.inputs, *operation.outputs))


def flops(operation: tf.Operation) -> float:
    """Two for each multiplication of a matrix product or a convolution, forwards or backwards."""
    kind, inputs, outputs = operation.type, operation.inputs, operation.outputs
    if kind in ("MatMul", "BatchMatMul", "BatchMatMulV2"):
        flag = "transpose_a" if kind == "MatMul" else "adj_x"
        inner = inputs[0].shape[-2 if operation.get_attr(flag) else -1]
        return 2.0 * _values(outputs[0]) * inner
    if kind == "Conv2D":
        height, width, channels, _ = inputs[1].shape
        return 2.0 * _values(outputs[0]) * height * width * channels
    if kind == "Conv2DBackpropInput":  # inputs: shape, filters, gradient of the output
        height, width, channels, _ = inputs[1].shape
        return 2.0 * _values(inputs[2]) * height * width * channels
    if kind == "Conv2DBackpropFilter":  # inputs: input, shape, gradient of the output
        height, width, channels, _ = outputs[0].shape
        return 2.0 * _values(inputs[2]) * height * width * channels
    if kind == "Einsum":
        return 2.0 * _einsum_products(operation)
    return float(sum(map(_values, outputs)))


def _einsum_products(operation: tf.Operation) -> float:
    """Product of the lengths of all indices that occur."""
    equation = operation.get_attr("equation").decode().split("->")[0].split(",")
    lengths: dict[str, int] = {}
    for indices, tensor in zip(equation, operation.inputs, strict=True):
        lengths |= dict(zip(indices, tensor.shape, strict=True))
    return float(math.prod(lengths.values()))


def _values(tensor: Any) -> int:
    """Count values; 0 when the shape is only known while running."""
    return int(tensor.shape.num_elements() or 0)
