"""Counted operations agree with a count by hand."""

import keras
import pytest
import tensorflow as tf

from benchmarks.graph_cost import count, operations

BATCH, FRAMES, BINS, FILTERS, WIDTH = 2, 16, 8, 5, 3
PRODUCT = 2.0 * BATCH * FRAMES * BINS * FILTERS * WIDTH  # of one "same" convolution


@pytest.fixture
def layer() -> keras.layers.Layer:
    layer = keras.layers.Conv1D(FILTERS, WIDTH, padding="same", use_bias=False)
    layer.build((BATCH, FRAMES, BINS))
    return layer


def test_a_convolution_counts_two_for_each_multiplication(layer: keras.layers.Layer) -> None:
    graph = tf.function(layer).get_concrete_function(tf.zeros([BATCH, FRAMES, BINS])).graph
    assert count(graph) == PRODUCT


def test_both_gradients_of_a_convolution_cost_as_much_as_the_convolution(
    layer: keras.layers.Layer,
) -> None:
    @tf.function
    def gradients(x: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, [x, layer.kernel], output_gradients=tf.ones_like(y))

    graph = gradients.get_concrete_function(tf.zeros([BATCH, FRAMES, BINS])).graph
    kinds = sorted(operation.type for operation in operations(graph))
    assert kinds == ["Conv2D", "Conv2DBackpropFilter", "Conv2DBackpropInput"]
    assert count(graph) == 3 * PRODUCT


def test_a_matrix_product_counts_its_inner_length_whichever_way_it_lies() -> None:
    product = tf.function(lambda a, b: tf.matmul(a, b, transpose_a=True))
    graph = product.get_concrete_function(tf.zeros([7, 3]), tf.zeros([7, 5])).graph
    assert count(graph) == 2 * 3 * 7 * 5


def test_the_body_of_a_loop_counts_once() -> None:
    @tf.function
    def loop(x: tf.Tensor, times: tf.Tensor) -> tf.Tensor:
        for _ in tf.range(times):
            x = tf.matmul(x, x)
        return x

    graph = loop.get_concrete_function(tf.zeros([4, 4]), tf.constant(3)).graph
    assert count(graph) == 2 * 4 * 4 * 4
