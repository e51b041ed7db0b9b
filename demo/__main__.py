"""The whole path on this machine: sounds -> bucket -> training job -> endpoint -> new sounds.

    python -m demo                          # spoken digits, made offline
    python -m demo --data ~/sounds          # your own: wav, flac, ogg, mp3
    python -m demo --epochs 100             # trains longer, sounds better

Files named `<label>_anything.wav`, or in one sub-folder for each label, have that label.
"""

import argparse
import shutil
import signal
import sys
from pathlib import Path

from botocore.exceptions import ClientError
from rich.console import Console

from demo import spoken_digits
from demo.following import ExecutionFailedError
from demo.spectrogram_sheet import draw
from demo.steps import CDK, OUTPUT, REPOSITORY, Demo, DemoError

JOB_ENVIRONMENT = REPOSITORY / ".venv-job"
SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}
CLIPS_TO_TRAIN_ON = 15_000
"""Clips times epochs that two CPU cores train on in about a minute and a half."""
MOST_LABELS = 10


def label_of(file: Path, folder: Path) -> str | None:
    """Return the label of a sound by the rules of the training script."""
    if file.parent != folder:
        return file.relative_to(folder).parts[0]
    label, underscore, _ = file.stem.partition("_")
    return label if underscore and label else None


def sounds_in(folder: Path) -> list[Path]:
    """Return the audio files below a folder; raises `DemoError` if there are none."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        raise DemoError(f"There is no wav, flac, ogg or mp3 file in {folder}.")
    return files


def check_tools() -> None:
    """Raise `DemoError` if something that `make` installs is missing."""
    if not (JOB_ENVIRONMENT / "bin" / "train").exists():
        raise DemoError(
            f"{JOB_ENVIRONMENT.name}/ with the SageMaker training toolkit is missing: run "
            "`make demo`, which makes it (that needs a C compiler such as gcc)."
        )
    if not CDK.exists():
        raise DemoError("The CDK's command line is missing: run `make demo`, which installs it.")


ON_AWS = """
The same on AWS, with your credentials:
  make bootstrap deploy                              # the outputs name what follows
  aws s3 cp --recursive SOUNDS s3://BUCKET/audio/
  aws stepfunctions start-execution --state-machine-arn ARN     # or in the console
  echo '{"label": "seven"}' > request.json
  aws sagemaker-runtime invoke-endpoint --endpoint-name sound-vae --accept audio/wav \\
    --content-type application/json --body fileb://request.json seven.wav"""


def run(demo: Demo, data: Path | None, epochs: int | None) -> None:
    """Run all steps, from the stand-in's start to the summary."""
    check_tools()
    folder = data or spoken_digits.FOLDER
    if data is None:
        with demo.step("Make spoken digits"):
            spoken_digits.write(folder)
    files = sounds_in(folder)
    found = {label_of(file, folder) for file in files}
    labels = sorted(label for label in found if label) if None not in found else []
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    demo.start()
    demo.deploy()
    with demo.step("Invoke the endpoint, which serves the starter model"):
        demo.invoke({"seed": 1}, OUTPUT / "starter-model.wav")
    demo.upload(files, folder)
    output = demo.train(epochs or max(3, min(25, CLIPS_TO_TRAIN_ON // len(files))))
    sounds = demo.listen(labels[:MOST_LABELS], output["promoted"])
    with demo.step("Draw their spectrograms"):
        draw(sounds, OUTPUT / "spectrograms.png", "Sounds from the endpoint")
    demo.fetch_report(output["report"])
    demo.summarise(output)
    demo.console.print(ON_AWS, highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Parse the command line and run; every expected mistake is one sentence."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="a folder with your sounds")
    parser.add_argument("--epochs", type=int, help="default: what takes about two minutes")
    parser.add_argument("--port", type=int, default=5000, help="of the stand-in; default: 5000")
    options = parser.parse_args()
    if options.data and not options.data.is_dir():
        sys.exit(f"{options.data} is not a folder: --data takes a folder with sounds.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = Demo(Console(highlight=False), options.port)
    try:
        run(demo, options.data, options.epochs)
    except (DemoError, ExecutionFailedError) as error:
        sys.exit(f"error: {error}")
    except ClientError as error:
        sys.exit(f"error: {error.operation_name}: {error.response['Error']['Message']}")
    except KeyboardInterrupt:
        sys.exit("interrupted; nothing keeps running")
    finally:
        demo.stop()


if __name__ == "__main__":
    main()
