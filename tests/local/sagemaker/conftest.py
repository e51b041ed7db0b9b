"""One bucket and one execution role for the jobs and endpoints of this folder."""

import pytest

from tests.local.deployment import Client, MakeRole
from tests.local.sagemaker.archives import BUCKET, archive

SCRIPT = """
import argparse, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--mode")
parser.add_argument("--epochs", type=int)
arguments, _ = parser.parse_known_args()
if arguments.mode == "sentence":
    base = pathlib.Path(os.environ["SM_OUTPUT_DIR"])
    (base / "failure").write_text("There is no sound in the channel.")
    sys.exit(1)
if arguments.mode == "crash":
    raise ValueError("epochs are odd")
if arguments.mode == "odd":
    print("epoch=1 val_loss=0.5")
    print("epoch=2 val_loss=0.9.")
if arguments.mode == "summary":
    pathlib.Path(os.environ["SM_INPUT_DIR"], "..", "kept", "summary.json").write_text("{}")
if arguments.mode == "watched":
    samples = pathlib.Path(os.environ["SM_OUTPUT_DIR"], "tensorboard", "samples")
    samples.mkdir()
    (samples / "low.wav").write_bytes(b"a sound")
if arguments.mode in ("endless", "watched"):
    time.sleep(600)
sounds = sorted(p.name for p in pathlib.Path(os.environ["SM_CHANNEL_DATA"]).rglob("*.wav"))
for epoch in range(0 if arguments.mode == "odd" else arguments.epochs):
    print(f"epoch={epoch + 1} val_loss={-0.5 * epoch} sounds={len(sounds)}")
pathlib.Path(os.environ["SM_MODEL_DIR"], "notes.txt").write_text(" ".join(sounds))
"""


@pytest.fixture(scope="session")
def role(client: Client, make_role: MakeRole) -> str:
    """An execution role for one bucket, which holds two sounds and the script's bundle."""
    client("s3").create_bucket(Bucket=BUCKET)
    for name, body in {
        "audio/a.wav": b"a",
        "audio/deep/b.wav": b"b",
        "code/sourcedir.tar.gz": archive({"train.py": SCRIPT.encode()}),
    }.items():
        client("s3").put_object(Bucket=BUCKET, Key=name, Body=body)
    return make_role(
        "execution",
        "sagemaker.amazonaws.com",
        {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/output/*"},
        {"Action": "logs:*", "Resource": "*"},
    )
