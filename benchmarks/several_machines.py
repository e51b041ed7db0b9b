"""What several machines gain: a step's time by its batch, and the bytes that a step exchanges.

python -m benchmarks.several_machines          about three minutes

Processes of one machine share its cores, so their speed says nothing of machines; what they send
each other does. So time is measured on one process, bytes on several, and the efficiency computed:
N machines take t(B / N) + bytes / bandwidth + exchanges x latency in place of t(B), where
t(b) = fixed + each x b.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

from benchmarks import ROOT
from benchmarks.measurement import Section
from sound_vae.model.normalization import ENOUGH, layers_of

BATCHES = (4, 8, 16, 32, 64)
WORKERS = (2, 4)
MACHINES = (1, 2, 4, 8, 16)
TURNS, STEPS = 3, 20
# gigabits a second that AWS publishes for the instances, "up to", and what lasts
# (https://docs.aws.amazon.com/ec2/latest/instancetypes/co.html, .../ac.html)
BANDWIDTHS = {
    "ml.c5.2xlarge": (10.0, 2.5),
    "ml.g4dn.xlarge": (25.0, 5.0),
    "ml.g5.xlarge": (10.0, 2.5),
}
LATENCY = 0.5e-3  # seconds of an exchange among machines of one zone: an assumption, AWS has none
ROUNDS = 2  # of gradients


@dataclass(frozen=True)
class StepCost:
    """Seconds of a step, and what it sends."""

    fixed: float
    each: float  # of a clip
    parameters: int
    exchanges: int = 0  # of batch normalisation, where a machine has few clips

    def seconds(self, batch: float) -> float:
        """Time of a step of so many clips on one machine."""
        return self.fixed + self.each * batch

    def sent(self, machines: int) -> float:
        """Bytes that each machine sends in a step, as ring all-reduce does: 2 (N - 1) / N."""
        return 2 * (machines - 1) / machines * 4 * self.parameters

    def on(self, machines: int, batch: int, gigabits: float, faster: float = 1.0) -> float:
        """Time of a step that takes `batch` clips on all machines, each so much faster."""
        if machines == 1:
            return self.seconds(batch) / faster
        rounds = ROUNDS + (self.exchanges if batch / machines < ENOUGH else 0)
        exchange = self.sent(machines) * 8 / (gigabits * 1e9) + rounds * LATENCY
        return self.seconds(batch / machines) / faster + exchange


def measured_step() -> StepCost:
    """Fit a line to step times of several batches, measured in turns."""
    answer = _run(["--work", "steps"])[0]
    times = np.array([statistics.median(turns) for turns in answer["seconds"]])
    each, fixed = np.polyfit(BATCHES, times, 1)
    fixed, each = max(float(fixed), 0.0), float(each)
    return StepCost(fixed, each, answer["parameters"], answer["exchanges"])


def measured_bytes(workers: int) -> float:
    """Bytes that a worker sends in a step, counted at the loopback interface."""
    answers = _run(["--work", "bytes"], workers)
    return float(answers[0]["bytes_a_step"]) / workers


def steps_of_one_process() -> dict[str, Any]:
    """Seconds of a step, a list for each of BATCHES."""
    from benchmarks.training import default_trainer

    trainers = [default_trainer(batch * STEPS, batch=batch) for batch in BATCHES]
    seconds: list[list[float]] = [[] for _ in BATCHES]
    for turn in range(TURNS + 1):
        for taken, trainer in zip(seconds, trainers, strict=True):
            figures: list[dict[str, float]] = []
            trainer.run(figures.append)
            if turn:  # the first one traces the graph
                taken.append(figures[0]["seconds_per_step"])
    vae = trainers[0].vae
    exchanges = 2 * len(layers_of(vae.encoder, vae.decoder))
    return {"seconds": seconds, "parameters": vae.count_params(), "exchanges": exchanges}


def bytes_of_a_step() -> dict[str, float]:
    """Count what all workers together send in a step, at the loopback interface."""
    from benchmarks.training import default_trainer
    from sound_vae.cluster import Cluster

    cluster = Cluster.join()
    trainer = default_trainer(8 * STEPS, batch=8 * cluster.workers, cluster=cluster)
    trainer.run(lambda _: None)  # traces the graph
    cluster.exchange(None)
    before = _loopback()
    trainer._train_epoch(1)
    cluster.exchange(None)
    return {"bytes_a_step": (_loopback() - before) / trainer.steps}


def _loopback() -> int:
    counters = psutil.net_io_counters(pernic=True)
    return sum(counters[name].bytes_sent for name in counters if name.startswith("lo"))


def configs(workers: int) -> list[str]:
    """Write TF_CONFIG for each of so many processes of this machine; "{}" for one alone."""
    if workers == 1:
        return ["{}"]
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes]
    for probe in probes:
        probe.close()
    cluster = {"worker": addresses}
    tasks = ({"type": "worker", "index": index} for index in range(workers))
    return [json.dumps({"cluster": cluster, "task": task}) for task in tasks]


def _run(arguments: Sequence[str], workers: int = 1) -> list[dict[str, Any]]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.several_machines", *arguments],
            cwd=ROOT,
            env={**os.environ, "TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for config in configs(workers)
    ]
    answers = [process.communicate()[0] for process in processes]
    return [json.loads(answer.splitlines()[-1]) for answer in answers]


def section(cost: StepCost, counted: dict[int, float], batch: int = 32) -> Section:
    """Tell what machines gain, as computed from a step's time and what it exchanges."""
    rows = []
    for machines in MACHINES:
        cells = [f"{machines}", f"{cost.sent(machines) / 1e6:.1f} MB" if machines > 1 else ""]
        cells.append(f"{counted[machines] / 1e6:.1f} MB" if machines in counted else "")
        for burst, lasting in BANDWIDTHS.values():
            gains = [
                cost.on(1, batch, rate) / cost.on(machines, batch, rate)
                for rate in (burst, lasting)
            ]
            cells.append(" / ".join(f"{gain:.1f} x" for gain in gains))
        rows.append(tuple(cells))
    method = (
        f"A step of b clips takes {1000 * cost.fixed:.1f} ms + {1000 * cost.each:.2f} ms x b on "
        f"the two cores here (medians of {TURNS} turns, b = {', '.join(map(str, BATCHES))}), and "
        f"exchanges the gradients of {cost.parameters:,} weights, and the means of batch "
        f"normalisation in {cost.exchanges} exchanges where a machine has fewer than {ENOUGH} "
        f"clips, for {1000 * LATENCY:g} ms each. The gain is that of {batch} clips a step, shared "
        "among the machines, with the bandwidth that AWS publishes: what an instance may reach "
        "for a while / what lasts."
    )
    columns = (
        "machines",
        "sent a step",
        "counted here",
        *(f"gain, network of {name}" for name in BANDWIDTHS),
    )
    limits = {name: paying(cost, batch, rates[1]) for name, rates in BANDWIDTHS.items()}
    pays = ", ".join(f"{most} of {name}" for name, most in limits.items())
    balance = cost.sent(2) * 8e-9 / cost.seconds(batch)
    remarks = (
        f"A machine pays for itself while the gain is at least half of their number: up to {pays}, "
        f"with the bandwidth that lasts. More machines pay where a step has more clips, as it has "
        f"from {batch // 8 + 1} devices on, so for very many clips; and without the exchanges of "
        f'batch normalisation where you give each {ENOUGH}, as `"batch_size": {16 * ENOUGH}` does '
        "with 16 machines, and the learning rate that goes with it. What decides is the step's "
        f"time: one of {1000 * cost.seconds(batch):.0f} ms sends as long as it computes at "
        f"{balance:.2f} gigabits a second, and one that a GPU takes a tenth of that for at "
        f"{10 * balance:.1f}."
    )
    return Section("Training on several machines", method, rows, columns, remarks)


def paying(cost: StepCost, batch: int, gigabits: float) -> int:
    """Count the machines up to which each is worth at least half of what it costs."""
    alone = cost.on(1, batch, gigabits)
    return max(n for n in MACHINES if alone / cost.on(n, batch, gigabits) >= n / 2)


def main() -> None:
    """Measure all, or do one piece of work and print what came of it as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", choices=("steps", "bytes"))
    work = parser.parse_args().work
    if work:
        print(json.dumps(steps_of_one_process() if work == "steps" else bytes_of_a_step()))
        return
    counted = {workers: measured_bytes(workers) for workers in WORKERS}
    print(section(measured_step(), counted).to_markdown())


if __name__ == "__main__":
    main()
