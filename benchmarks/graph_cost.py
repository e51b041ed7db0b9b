"""Arithmetic, memory traffic and kernel launches of a TensorFlow graph, counted and not timed.

    count(trainer_step.get_concrete_function(...).graph)   # Cost(flops=…, bytes=…, launches=…)

A multiplication with its addition counts as two floating-point operations; what is not a matrix
product or a convolution counts one for each value that it gives. Every operation is taken to read
its inputs from memory and to write its outputs back: a compiler that fuses operations needs less.
The body of a loop counts once.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
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
PRODUCTS = {
    *("BatchMatMul", "BatchMatMulV2", "Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput"),
    *("Einsum", "MatMul", "XlaConvV2"),
}
# what XLA leaves for the processor to run
KERNEL = re.compile(
    r" = .*?\s(?:fusion|convolution|dot|copy|custom-call|reduce|sort|scatter|gather)\("
)


@dataclass(frozen=True)
class Cost:
    """What a graph asks of a processor."""

    flops: float = 0.0
    bytes: float = 0.0
    launches: int = 0  # of kernels, if none are fused

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.flops + other.flops, self.bytes + other.bytes, self.launches + other.launches
        )

    def __mul__(self, times: int) -> "Cost":
        return Cost(self.flops * times, self.bytes * times, self.launches * times)


def count(graph: tf.Graph) -> Cost:
    """Add up the operations of a graph whose shapes are known, and of the functions it calls."""
    return sum((_cost(operation) for operation in operations(graph)), Cost())


def operations(graph: tf.Graph) -> Iterator[tf.Operation]:
    """Give every operation that a device has to run, called functions' ones among them."""
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


def _cost(operation: tf.Operation) -> Cost:
    tensors = [t for t in (*operation.inputs, *operation.outputs) if t.dtype.size]
    traffic = sum(_values(t) * t.dtype.size for t in tensors)
    if operation.type in PRODUCTS:
        return Cost(product_flops(operation), traffic, 1)
    return Cost(sum(_values(t) for t in operation.outputs), traffic, 1)


def product_flops(operation: tf.Operation) -> float:
    """Two for each multiplication of a matrix product or a convolution, forwards or backwards."""
    kind, inputs, output = operation.type, operation.inputs, operation.outputs[0]
    if kind in ("MatMul", "BatchMatMul", "BatchMatMulV2"):
        flag = "transpose_a" if kind == "MatMul" else "adj_x"
        inner = inputs[0].shape[-2 if operation.get_attr(flag) else -1]
        return 2.0 * _values(output) * inner
    if kind == "Conv2D":
        height, width, channels, _ = inputs[1].shape
        return 2.0 * _values(output) * height * width * channels
    if kind == "Conv2DBackpropInput":  # inputs: shape, filters, gradient of the output
        height, width, channels, _ = inputs[1].shape
        return 2.0 * _values(inputs[2]) * height * width * channels
    if kind == "Conv2DBackpropFilter":  # inputs: input, shape, gradient of the output
        height, width, channels, _ = output.shape
        return 2.0 * _values(inputs[2]) * height * width * channels
    if kind == "Einsum":
        return 2.0 * _einsum_products(operation)
    raise ValueError(f"{operation.name}: no formula for the operations of a {kind}")


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


def fused_launches(compiled: Any, *arguments: tf.Tensor) -> int:
    """Kernels of a function with jit_compile=True, after XLA has fused what it can.

    Those of the busiest computation count, which is the body where the function is one loop. XLA
    for this machine's processor is asked; for a GPU it fuses alike, but not the same.
    """
    text = compiled.experimental_get_compiler_ir(*arguments)(stage="optimized_hlo")
    computations = re.split(r"\n(?=(?:ENTRY )?%?[\w.-]+ \()", text)
    return max(
        sum(KERNEL.search(line) is not None for line in computation.splitlines())
        for computation in computations
        if "fused_computation" not in computation.split("(", 1)[0]
    )
