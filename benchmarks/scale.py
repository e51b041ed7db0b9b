"""From 3,000 clips to 10 million and from 1 to 1,000,000 sounds a day: time, dollars, what to use.

python -m benchmarks.scale            about ten minutes; writes docs/scale.md and docs/scale.png

What is measured here, on this machine's cores: a training step and what it sends, preparing, sounds
in bulk. What an endpoint answers is in docs/endpoint_load.json, what several machines learn in
docs/machines_and_seeds.json, which the benchmarks of these names write (the former with --full).
All else is arithmetic, with prices and bandwidths of AWS's.
"""

import argparse
import datetime
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT, bulk, machines_and_seeds, several_machines
from benchmarks.endpoint_load import INSTANCE_HOUR, SERVERLESS_SECOND
from benchmarks.measurement import Section, machine
from benchmarks.preparing import of_digits
from benchmarks.several_machines import BANDWIDTHS, StepCost
from infra.pipeline.generation import FILES_PER_JOB, SOUNDS_PER_FILE
from infra.pipeline.preparation import PAYS_FROM as PREPARED_FROM
from sound_vae.fit.schedule import choose_pace
from sound_vae.model.normalization import ENOUGH

CLIPS = (3_000, 30_000, 300_000, 3_000_000, 10_000_000)
MACHINES = (1, 4, 16)
SOUNDS_A_DAY = (1, 100, 10_000, 100_000, 1_000_000)
LEAST_STEPS, LEAST_EPOCHS = 5_000, 3  # a standard run's on 2,700 clips; passes over very many
# dollars an hour in us-east-1, as others quote https://aws.amazon.com/sagemaker/pricing/
TYPE, HOUR = "ml.c5.2xlarge", 0.408
TWICE = 2.0  # its eight threads against the two here: less than four times, to be safe
CORES = 4
STARTING = 240.0  # seconds until a job has machines; not billed, but waited for
PICTURE = ROOT / "docs" / "scale.png"
DAY = 24.0  # hours


@dataclass(frozen=True)
class Measured:
    """What this machine gave."""

    step: StepCost
    counted: dict[int, float]  # bytes a step that a machine of so many sends
    prepared: float  # clips a second and core
    clip_bytes: float  # in a shard
    file_bytes: float  # in memory or on the disk of a job
    sounds: float  # a second in bulk, two cores
    sound_bytes: float
    request_seconds: float  # of a serverless endpoint, as billed
    answers: float  # requests a second of one core of an instance


@dataclass(frozen=True)
class Run:
    """A training run."""

    clips: int
    machines: int
    epochs: int
    steps: int
    seconds: float
    preparing: float  # seconds, 0 where nothing is prepared

    @property
    def hours(self) -> float:
        """Until the model is there."""
        jobs = 3 if self.preparing else 1
        return (self.seconds + self.preparing + jobs * STARTING) / 3600

    @property
    def dollars(self) -> float:
        """Of all machines."""
        return self.machines * (self.seconds + self.preparing) / 3600 * HOUR


def training(measured: Measured, clips: int, machines: int) -> Run:
    """Count what a run takes, with the pace that training would choose."""
    pace = choose_pace(clips, machines)
    an_epoch = max(clips // pace.batch_size, 1)
    epochs = max(LEAST_EPOCHS, math.ceil(LEAST_STEPS / an_epoch))
    _, lasting = BANDWIDTHS[TYPE]
    step = measured.step.on(machines, pace.batch_size, lasting, faster=TWICE)
    preparing = 0.0
    if clips >= PREPARED_FROM:
        preparing = clips / (measured.prepared * CORES * machines)
    return Run(clips, machines, epochs, epochs * an_epoch, epochs * an_epoch * step, preparing)


def best(runs: Sequence[Run]) -> Run:
    """Choose more machines only where they halve the time that is waited."""
    chosen = runs[0]
    for run in runs[1:]:
        if run.hours < chosen.hours / 2:
            chosen = run
    return chosen


def first_to_fill(measured: Measured, run: Run) -> str:
    """Name what saturates first."""
    gigabytes = run.clips * measured.file_bytes / 1e9 / run.machines
    if run.clips < PREPARED_FROM:
        return f"the processor; {gigabytes:.1f} GB of a machine's disk"
    shards = run.clips * measured.clip_bytes / 1e9
    sends = measured.step.sent(run.machines) * 8 / (BANDWIDTHS[TYPE][1] * 1e9)
    computes = measured.step.seconds(choose_pace(run.clips, run.machines).batch_size / run.machines)
    what = "the network among machines" if sends > computes / TWICE else "the processor"
    return f"{what}; {shards:,.0f} GB of shards are streamed each epoch"


def learning(measured: Measured) -> Section:
    """Tell what training takes, from a small folder to a very large one."""
    rows = []
    for clips in CLIPS:
        run = best([training(measured, clips, machines) for machines in MACHINES])
        given = [f'"instance_count": {run.machines}'] if run.machines > 1 else []
        given.append(f'"hyperparameters": {{"epochs": {run.epochs}}}')
        limit = math.ceil(run.seconds / 3600 * 1.5) * 60
        if limit > 60:
            given.append(f'"max_runtime_minutes": {limit}')
        rows.append(
            (
                f"{clips:,}",
                f"`{{{', '.join(given)}}}`",
                f"{run.steps:,}",
                _hours(run.preparing / 3600) if run.preparing else "",
                _hours(run.hours),
                f"${run.dollars:,.2f}",
                first_to_fill(measured, run),
            )
        )
    method = (
        f"Clips of 0.77 s at 8 kHz on {TYPE}, ${HOUR} an hour, taken for twice as fast as the "
        f"machine here; of {', '.join(map(str, MACHINES))} machines the fewest of which more "
        f"would not halve the time. As many epochs as make {LEAST_STEPS:,} steps, or "
        f"{LEAST_EPOCHS}. From {PREPARED_FROM:,} sounds on they are prepared first, "
        f"{measured.prepared:,.0f} a second and core. A job waits {STARTING / 60:.0f} minutes for "
        "its machines. On a GPU only the step's time is another one: the metric "
        "`seconds_per_step` of a job tells it."
    )
    columns = ("clips", "input", "steps", "preparing", "in all", "costs", "what is full first")
    return Section("From 3,000 clips to 10 million", method, rows, columns)


def of_a_day(measured: Measured, sounds: int) -> dict[str, float]:
    """Count dollars a day for so many sounds, by the way that they are asked for."""
    at_most = measured.answers / 2 * 3600 * DAY  # half of what an instance's core answers
    runs = math.ceil(sounds / (SOUNDS_PER_FILE * FILES_PER_JOB))
    seconds = sounds / measured.sounds + runs * bulk.LOADING_MINUTES * 60
    return {
        "serverless": sounds * measured.request_seconds * SERVERLESS_SECOND,
        "instance": max(1, math.ceil(sounds / at_most)) * INSTANCE_HOUR * DAY,
        "bulk": seconds / 3600 * bulk.HOUR,
    }


def asking(measured: Measured) -> Section:
    """Tell what sounds cost, from one a day to a million."""
    rows = []
    for sounds in SOUNDS_A_DAY:
        cost = of_a_day(measured, sounds)
        cheaper = min(("serverless", "instance"), key=cost.__getitem__)
        use = f'`endpoint` = `"{cheaper}"`'
        if sounds >= SOUNDS_PER_FILE:
            use += f', or `{{"generate": {{"count": {sounds}}}}}` when they may wait'
        cells = (_dollars(cost[kind]) for kind in ("serverless", "instance", "bulk"))
        rows.append((f"{sounds:,}", *cells, use))
    crossing = INSTANCE_HOUR / (measured.request_seconds * SERVERLESS_SECOND)
    method = (
        "Dollars a day. A request has one sound of the starter; a serverless endpoint bills "
        f"{1000 * measured.request_seconds:.0f} ms of it, an instance costs ${INSTANCE_HOUR} an "
        f"hour and is asked half of what it could answer ({measured.answers:.0f} a second), a "
        f"transform job makes {measured.sounds:.0f} a second. An instance is cheaper above "
        f"{crossing:,.0f} requests an hour; a serverless endpoint answers at most "
        "`endpoint_max_concurrency` at a time, which is full first, and an instance's processor."
    )
    columns = ("sounds a day", "serverless", "instance", "in bulk", "use")
    return Section("From 1 to 1,000,000 sounds a day", method, rows, columns)


def draw(measured: Measured, picture: Path) -> None:
    """Draw hours by clips, and dollars by sounds, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")  # no display is needed
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for machines, marker in zip(MACHINES, "os^", strict=True):
        hours = [training(measured, clips, machines).hours for clips in CLIPS]
        left.loglog(CLIPS, hours, marker=marker, label=f"{machines} machine{'s' * (machines > 1)}")
    left.set(xlabel="Clips", title="Hours until a model is trained")
    cost = {sounds: of_a_day(measured, sounds) for sounds in SOUNDS_A_DAY}
    for kind, marker in zip(("serverless", "instance", "bulk"), "os^", strict=True):
        dollars = [cost[sounds][kind] for sounds in SOUNDS_A_DAY]
        right.loglog(SOUNDS_A_DAY, dollars, marker=marker, label=kind)
    right.set(xlabel="Sounds a day", title="Dollars a day")
    for axis in (left, right):
        axis.grid(True, which="major", alpha=0.3)
        axis.legend(frameon=False)
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _hours(hours: float) -> str:
    if hours < 1:
        return f"{math.ceil(60 * hours)} min"
    return f"{hours:.1f} h" if hours < 100 else f"{hours / 24:.0f} days"


def _dollars(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 0.01 else "less than a cent"


HEAD = """# Past one machine

Measured by `python -m benchmarks.scale` on {today}: {machine}. Nothing here has run on AWS: times
are of this machine's cores, prices and bandwidths are AWS's, and the rest is arithmetic.

Whoever outgrows one machine changes numbers in the execution's input:

- `"instance_count"`: so many machines train, prepare or generate, each its share of the files
  (ShardedByS3Key). SageMaker makes the cluster and its toolkit tells the machines of each other
  (TF_CONFIG); TensorFlow's MultiWorkerMirroredStrategy adds up their gradients, and
  MirroredStrategy those of several GPUs in one machine. What they tell each other is encrypted; in
  a VPC of your own the security group must let its members talk to each other.
- **A step is the same on several devices as on one**: they share its clips, and its learning rate
  stays. Only where each would get fewer than 8 clips, it gets 8, and the rate grows by the square
  root of how much larger that makes the step. A `batch_size` that you give is what one device
  would take. Listener, autoencoder and exciter are all learnt so. Where a device has fewer than
  {enough} clips, batch normalisation goes by those of all; only the loss's logarithm is of each
  device's own ([below](#the-same-figures-on-several-machines) is what comes of it).
- The first machine writes checkpoint, model and report and says the metrics; density, figures and
  report are of up to 50,000 clips of all machines. A job that lost a machine begins again on as
  many others, at most twice, and goes on from the last checkpoint.
- `"prepare"`: from 100,000 sounds on they are prepared once
  ([very many sounds](your_sounds.md#very-many-sounds)).
- `"generate"`: sounds in bulk ([generation.md](generation.md)).
- the setting `endpoint`: serverless or on instances that AWS scales ([serving.md](serving.md),
  [under load](endpoint_load.md)).

![Hours by clips, and dollars by sounds a day]({picture})
"""


def measure(data: Path, sounds: int) -> Measured:
    """Measure everything that is not in docs/endpoint_load.json."""
    print("scale: what a step sends", flush=True)
    counted = {n: several_machines.measured_bytes(n) for n in several_machines.WORKERS}
    print("scale: a training step", flush=True)
    step = several_machines.measured_step()
    print("scale: preparing", flush=True)
    prepared = of_digits(data)
    print("scale: sounds in bulk", flush=True)
    rate, size = bulk.rate_and_size(bulk.measure(sounds))
    cost = json.loads((ROOT / "docs" / "endpoint_load.json").read_text("utf-8"))["cost"]
    return Measured(
        step,
        counted,
        prepared["per_core"],
        prepared["bytes"],
        prepared["padded"],
        rate,
        size,
        cost["serverless_request"] / SERVERLESS_SECOND,
        cost["requests_a_second_of_a_core"],
    )


def main() -> None:
    """Measure, count and write the page with its picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = ROOT / ".cache" / "spoken-digits-8000"
    parser.add_argument("--data", type=Path, default=default, help="recordings; the demo's if none")
    parser.add_argument("--sounds", type=int, default=6000, help="that are made in bulk")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "scale.md")
    args = parser.parse_args()
    measured = measure(args.data, args.sounds)
    picture = args.output.with_name(PICTURE.name)
    draw(measured, picture)
    today = datetime.date.today().isoformat()
    sections = [
        learning(measured),
        several_machines.section(measured.step, measured.counted),
        machines_and_seeds.section(*machines_and_seeds.kept()),
        asking(measured),
        Section("A million sounds", *bulk.million(measured.sounds, measured.sound_bytes)),
    ]
    head = HEAD.format(today=today, machine=machine(), picture=picture.name, enough=ENOUGH)
    page = [head.rstrip(), *(section.to_markdown() for section in sections)]
    args.output.write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print(f"written to {args.output} and {picture}")


if __name__ == "__main__":
    main()
