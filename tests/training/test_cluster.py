"""Machines that train together tell each other what they have, and notice when one is lost."""

import json
import textwrap
from pathlib import Path

import numpy as np
import pytest

from sound_vae.cluster import Cluster
from sound_vae.data.report import DataError
from tests.training.workers import run_workers, start_workers

PROGRAM = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from sound_vae.cluster import LOST, Cluster
from sound_vae.data.report import DataError

cluster = Cluster.join()
"""


def program(folder: Path, body: str) -> list[str | Path]:
    file = folder / "program.py"
    file.write_text(PROGRAM + textwrap.dedent(body))
    return [file]


def test_machines_exchange_values_gather_rows_and_add_up_gradients(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        rows = np.full((cluster.index + 1, 2), cluster.index, np.float16)
        part = cluster.strategy.run(
            lambda: tf.distribute.get_replica_context().all_reduce("SUM", cluster.replica() + 1)
        )
        print("said " + json.dumps({
            "chief": cluster.is_chief,
            "devices": [cluster.replicas, cluster.local_replicas],
            "values": cluster.exchange({"none": None, "index": cluster.index, "e": "é"}),
            "rows": cluster.gather(rows).tolist(),
            "sum": int(part.numpy()),
        }))
        """,
    )
    said = run_workers([command] * 3, tmp_path)
    answers = [
        json.loads(line.removeprefix("said "))
        for text in said
        for line in text.splitlines()
        if line.startswith("said ")
    ]
    assert [answer.pop("chief") for answer in answers] == [True, False, False]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0] == {
        "devices": [3, 1],
        "values": [{"none": None, "index": index, "e": "é"} for index in range(3)],
        "rows": [[0, 0], [1, 1], [1, 1], [2, 2], [2, 2], [2, 2]],
        "sum": 6,
    }


def test_what_one_machine_finds_wrong_ends_all_with_its_sentence(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        try:
            with cluster.together():
                if cluster.index == 1:
                    raise DataError("there is no sound")
                cluster.exchange(1)
                cluster.exchange(2)
        except DataError as error:
            print("said", error)
        """,
    )
    first, second = run_workers([command] * 2, tmp_path)
    assert "said there is no sound (machine 2 of 2)" in first
    assert "said there is no sound\n" in second


def test_the_others_notice_at_once_when_a_machine_is_lost(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        try:
            cluster.exchange(1)  # which the other may not have been told the end of, yet
            if cluster.index == 1:
                os.kill(os.getpid(), 9)
            cluster.exchange(2)
        except LOST:
            sys.exit(7)
        """,
    )
    assert [worker.wait(120) for worker in start_workers([command] * 2, tmp_path)] == [7, -9]


def test_one_machine_is_a_cluster_that_exchanges_nothing() -> None:
    cluster = Cluster()
    assert (cluster.is_chief, cluster.replicas, cluster.local_replicas) == (True, 1, 1)
    value, rows = object(), np.zeros((2, 3))
    assert cluster.exchange(value) == [value]
    assert cluster.gather(rows) is rows
    with pytest.raises(DataError, match="no sound"), cluster.together():
        raise DataError("no sound")
