"""The sections of settings, the command that makes the run again, time, cost and versions."""

import importlib.metadata
import json
import os
import platform
import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from sound_vae.fit.arguments import defaults, hyperparameters
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.svg import text
from sound_vae.quality.report.words import duration

PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", "librosa", "soundfile")


def settings_section(run: Run) -> str:
    """Show the hyperparameters, and how to run the same again."""
    rows, given = [], _given(run)
    for name, schema in hyperparameters().items():
        value = getattr(run.args, name, None)
        chosen = "chosen from the data" if value is None else json.dumps(value)
        changed = name in given
        mark = "<b>" if changed else ""
        rows.append(
            f"<tr><td><code>{text(name)}</code><td class='value'>{mark}{text(chosen)}"
            f"<td class='long'>{text(schema['description'])}"
        )
    return (
        "<section><h2>Settings</h2><p class='note'>Bold: not the default.</p><details><summary>All "
        f"{len(rows)} settings</summary><div class='wide'><table>{''.join(rows)}</table></div>"
        f"</details><h3>The same run again</h3>{_command(run)}</section>"
    )


def _given(run: Run) -> dict[str, Any]:
    """Name to value of the hyperparameters that are not what they are by default."""
    quality = run.args.quality
    unasked = defaults(quality) | {"quality": hyperparameters()["quality"]["default"]}
    chosen = {name: getattr(run.args, name, None) for name in unasked}
    return {name: value for name, value in chosen.items() if value != unasked[name]}


def _command(run: Run) -> str:
    given = _given(run)
    if "SM_MODEL_DIR" in os.environ:
        said = "As the input of an execution, with the folder in the field data"
        # a job is not told what its channels were called
        said += " and the same start_from:" if run.args.start_from else ":"
        command = json.dumps({"hyperparameters": given})
    else:
        said = "On this machine, from the root of the repository:"
        words = ["python", "training/train.py", "--data", str(run.args.data)]
        words += ["--model-dir", str(run.args.model_dir)]
        if run.args.start_from:
            words += ["--start-from", str(run.args.start_from)]
        for name, value in given.items():
            words += [
                f"--{name.replace('_', '-')}",
                value if isinstance(value, str) else json.dumps(value),
            ]
        command = shlex.join(words)
    return f"<p>{said}</p><pre>{text(command)}</pre>"


def effort_section(run: Run) -> str:
    """Show how long it took, on what, and with which packages."""
    epochs = [figures["seconds"] for figures in run.history if "seconds" in figures]
    rows = {
        "The whole run": f"{duration(run.seconds)}, from its start to this page",
        "An epoch": f"{np.median(epochs):.2f} s, the median of {len(epochs)}"
        if epochs
        else "unknown",
        "Cost": (
            "unknown to the job: its billable seconds, which the execution's output has, times the "
            "price of the instance type"
        ),
        "Machine": _machine(),
        "Python": platform.python_version(),
        **dict(_versions()),
    }
    body = "".join(f"<tr><td>{text(name)}<td>{text(value)}" for name, value in rows.items())
    return (
        "<section><h2>Time, cost, versions</h2><div class='wide'><table>"
        f"{body}</table></div></section>"
    )


def _machine() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "a GPU") for gpu in gpus
    ]
    kind = os.environ.get("SM_CURRENT_INSTANCE_TYPE", "")
    return ", ".join([*filter(None, [kind]), *names, f"{os.cpu_count()} processors"])


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # tensorflow-cpu, say
            yield package, "unknown"
