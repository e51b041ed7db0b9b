"""Synthesise the real stack around a quick train.py, as it is and with one thing changed each.

    PYTHONPATH=. python tests/local/scenarios/assemblies.py FOLDER [VARIANT ...]

One process for all, as most of the time of a synth goes into starting it.
"""

import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from infra.pipeline import generation
from infra.settings import Settings
from infra.stack import STARTER, TRAINING, SoundVaeStack

REPOSITORY = Path(__file__).parents[3]
ACCOUNT, REGION = "123456789012", "us-east-1"
STACK = "Scenarios"
NAME = "scenarios"
SHARD_MEGABYTES = 0.05
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/tensorflow-inference:another-tag"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11112222-3333-4444-5555-666677778888"


def quick_training(folder: Path) -> Path:
    """Write the quick train.py with the real hyperparameters and the starter's model.

    What prepares sounds is the real program, with shards that hold some sounds.
    """
    folder.mkdir(parents=True)
    shutil.copy(Path(__file__).parent / "quick_training" / "train.py", folder)
    for name in ("hyperparameters.json", "metrics.json"):
        shutil.copy(TRAINING / name, folder)
    shutil.copy(STARTER, folder / "model.tar.gz")
    shutil.copy(TRAINING / "prepare.py", folder)
    shutil.copytree(TRAINING / "sound_vae", folder / "sound_vae")
    preparation = json.loads((TRAINING / "preparation.json").read_text())
    preparation["shard_megabytes"] = SHARD_MEGABYTES
    (folder / "preparation.json").write_text(json.dumps(preparation))
    return folder


def other_starter(file: Path) -> Path:
    """Write the starter with one more file in it."""
    folder = file.with_suffix("")
    with tarfile.open(STARTER) as archive:
        archive.extractall(folder, filter="data")
    (folder / "note.txt").write_text("another starter")
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        archive.add(folder, arcname=".")
    return file


def main(folder: Path, *wanted: str) -> None:
    """Write one cloud assembly for each variant that is wanted, of all if none is named."""
    generation.FILES_PER_JOB = 2  # so that few sounds are the work of several jobs
    training = quick_training(folder / "training")
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    starter = other_starter(folder / "starter.tar.gz")
    variants: dict[str, dict[str, Any]] = {
        "as-it-is": {},
        "memory": {"endpoint_memory_mb": 4096},
        "concurrency": {"endpoint_max_concurrency": 7},
        "instances": {"endpoint": "instance"},
        "other-instances": {"endpoint": "instance", "endpoint_instance_type": "ml.m5.large"},
        "upload": {"train_after_upload_minutes": 15},
        "image": {"serving_image": IMAGE},
        "starter": {"starter": starter},
        # the starter too, as a deploy copies it, which then takes the key
        "key": {"kms_key_arn": KEY, "retain_data": False, "starter": starter},
    }
    for variant, changes in variants.items():
        if wanted and variant not in wanted:
            continue
        served_at_first = changes.pop("starter", STARTER)
        app = cdk.App(outdir=str(folder / variant), context=context)
        SoundVaeStack(
            app,
            STACK,
            settings=Settings(name=NAME, spot_wait_minutes=1, **changes),
            env=cdk.Environment(account=ACCOUNT, region=REGION),
            training=training,
            starter=served_at_first,
        )
        app.synth()
    if not wanted:
        rename_role(folder)


def rename_role(folder: Path) -> None:
    """Write the variant `role`: the same stack with another role of the endpoint.

    So the calls are new as well that let a deployment wait for its turn.
    """
    shutil.copytree(folder / "as-it-is", folder / "role")
    template = folder / "role" / f"{STACK}.template.json"
    text = template.read_text()
    for name in json.loads(text)["Resources"]:
        if name.startswith(("EndpointRole", "DeploymentOf")):  # and their policies
            text = text.replace(f'"{name}"', f'"Other{name}"')
    template.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
