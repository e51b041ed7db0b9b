"""What a training run would take and cost on the default instance types: an estimate, no timing.

    python -m benchmarks.gpu_estimate

Operations, memory traffic and kernel launches of one step are counted in the graph that trains.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from benchmarks.graph_cost import Cost, count, fused_launches
from benchmarks.instances import INSTANCES, PRICES_READ, Instance
from benchmarks.measurement import Section
from benchmarks.training import BATCH, LABELS, TRANSFORM, default_trainer, made_up_clips
from sound_vae.fit.arguments import hyperparameters
from sound_vae.fit.trainer import Trainer
from sound_vae.model.listener import STEPS as LISTENER_STEPS
from sound_vae.model.recogniser import Recogniser, augmented, log_mel, normalised

CLIPS = 2_700  # to train on, of the 3,000 of the Free Spoken Digit Dataset
UTILISATION = 0.2  # of peak arithmetic: the matrices are small
BANDWIDTH_SHARE = 0.6  # of peak memory bandwidth
LAUNCH_SECONDS = 10e-6  # of one kernel through TensorFlow's executor; bare CUDA needs about half
START_MINUTES = 4.0  # until the script runs: machine, image of some 8 GB, data, pip
OTHER_MINUTES = 1.5  # imports, reading 3,000 files, tracing, compiling, density, 1,000 sounds
RECOGNISER_BATCH = 64


def step_seconds(cost: Cost, instance: Instance) -> float:
    """Give the longest of the three lower bounds: arithmetic, memory, launches."""
    bounds = [cost.flops / (instance.peak_flops * UTILISATION)]
    if instance.bandwidth:
        bounds.append(cost.bytes / (instance.bandwidth * BANDWIDTH_SHARE))
    if instance.launches:
        bounds.append(cost.launches * LAUNCH_SECONDS)
    return max(bounds)


def training_step(trainer: Trainer) -> tuple[Cost, int]:
    """Count one optimizer step: forwards, backwards, listener and optimizer; and XLA's launches."""
    batch = (
        tf.zeros([trainer.batch_size, *trainer.train.shape[1:]], tf.float16),
        tf.zeros([trainer.batch_size], tf.int32),
        tf.constant(1.0),
    )
    graph = tf.function(trainer._step).get_concrete_function(*batch).graph
    return count(graph), fused_launches(tf.function(trainer._step, jit_compile=True), *batch)


def recogniser_step() -> Cost:
    """Count one step of what the listener and the judge are trained with."""
    values, ids = made_up_clips(RECOGNISER_BATCH, TRANSFORM.frames, TRANSFORM.bins)
    network = Recogniser.untrained(TRANSFORM, LABELS).network
    mels = normalised(log_mel(values, TRANSFORM))
    optimizer = keras.optimizers.AdamW(1e-3)
    optimizer.build(network.trainable_variables)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            _, logits = network(augmented(x, tf.constant([0, 0])), training=True)
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)(
                tf.one_hot(y, LABELS), logits
            )
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    return count(step.get_concrete_function(mels, tf.constant(ids)).graph)


def run(progress: Callable[[str], Any] = print) -> Section:
    """Minutes and dollars for each of the default instance types."""
    progress("counting the operations of a training step")
    cost, fused = training_step(default_trainer())
    hearing = recogniser_step()
    epochs = hyperparameters()["epochs"]["default"]
    steps = epochs * (CLIPS // BATCH)
    hearing_steps = LISTENER_STEPS + Recogniser.STEPS
    rows = []
    for instance in INSTANCES:
        step = step_seconds(Cost(cost.flops, cost.bytes, fused), instance)
        training = steps * step + hearing_steps * step_seconds(hearing, instance)
        minutes = training / 60 + OTHER_MINUTES
        dollars = (START_MINUTES + minutes) / 60 * instance.dollars_an_hour
        rows.append(
            (
                f"`{instance.type}`",
                f"{instance.processor}, {_rate(instance)}",
                f"{step * 1000:.1f} ms",
                f"{minutes:.1f}",
                f"{START_MINUTES + minutes:.0f}",
                f"${instance.dollars_an_hour:.3f}",
                f"${dollars:.2f}",
            )
        )
    method = (
        "**An estimate:** no GPU was at hand. Counted in the graph of default settings, a step of "
        f"{BATCH} clips (forwards, backwards, listener, optimizer) needs {cost.flops / 1e9:.2f} "
        f"billion floating-point operations, moves {cost.bytes / 1e6:.0f} MB if nothing is fused, "
        f"and launches {cost.launches:,} kernels, or {fused:,} when XLA fuses them. Taken to hold: "
        f"{UTILISATION:.0%} of published single-precision throughput, {BANDWIDTH_SHARE:.0%} of "
        f"published memory bandwidth, {LAUNCH_SECONDS * 1e6:.0f} µs a launch. A step takes at "
        "least the longest of the three. For so small a model that is the launches on any GPU: "
        "jobs use XLA there, and a faster GPU or half precision gains little more. A run has "
        f"{steps:,} such steps ({epochs} epochs of {CLIPS:,} clips), {hearing_steps:,} of the two "
        f"recognisers, some {OTHER_MINUTES} minutes of reading, compiling and judging, and "
        f"{START_MINUTES:.0f} minutes until the job's script starts."
    )
    columns = (
        "instance",
        "peak",
        "a step at least",
        "minutes of training",
        "minutes of the job",
        "an hour",
        "a run",
    )
    remarks = (
        "Prices are on-demand list prices of SageMaker training in us-east-1, read in "
        f"{PRICES_READ} from public copies of AWS's list, which bear no date: look them up before "
        "relying on them. The whole job is charged here, though AWS does not charge for finding a "
        "machine, and spot capacity costs less. A real job has `seconds_per_step` among its "
        "metrics: check this table by it."
    )
    return Section("What a GPU run costs: an estimate", method, rows, columns, remarks)


def _rate(instance: Instance) -> str:
    tera = f"{instance.peak_flops / 1e12:.2g} TFLOP/s"
    return f"{tera}, {instance.bandwidth / 1e9:.0f} GB/s" if instance.bandwidth else tera


if __name__ == "__main__":
    print(run().to_markdown())
