"""Prepare a folder of sounds once, for training to stream: the program of two processing jobs.

    python prepare.py plan ...      one machine looks at what is new, and decides the framing
    python prepare.py shards ...    N machines write what their share of the plan holds

SageMaker Processing brings inputs and takes outputs away; what a job has to say goes to
/opt/ml/output/message, which DescribeProcessingJob shows
(https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html). sound_vae/data/shards says
what is in a prepared folder.
"""

import argparse
import json
import os
import resource
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its notes about drivers are not news

from sound_vae.data.report import DataError
from sound_vae.data.shards.bucket import Folder, former_parts
from sound_vae.data.shards.layout import FRAMING, MANIFEST, Prepared, preparation
from sound_vae.data.shards.planning import Listed, make_plan, read_todo
from sound_vae.data.shards.sharing import Shard, shards_of
from sound_vae.fit.arguments import hyperparameters, reader, sagemaker_folder
from sound_vae.log import sentence


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line, which only a state machine writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    plan = commands.add_parser("plan", help="look at the folder, decide what is to be done")
    plan.add_argument("--sounds", required=True, help="s3://bucket/folder/ with the sounds")
    plan.add_argument("--prepared", required=True, help="s3://bucket/folder/ that is prepared")
    plan.add_argument("--region")
    plan.add_argument("--plan", type=Path, required=True, help="folder that the plan goes to")
    plan.add_argument("--manifest", type=Path, required=True, help="folder of the manifest")
    known = hyperparameters()
    plan.add_argument(
        "--settings", type=json.loads, default={}, help="hyperparameters as JSON texts, by name"
    )
    plan.set_defaults(
        readers={name: reader(known[name]) for name in preparation()["settings"]},
        trim_db=known["trim_db"]["default"],
    )
    shards = commands.add_parser("shards", help="prepare what this machine has of the plan")
    shards.add_argument("--sounds", type=Path, required=True, help="folder with its share")
    shards.add_argument("--plan", type=Path, required=True)
    shards.add_argument("--shards", type=Path, required=True, help="folder for the shards")
    shards.add_argument("--parts", type=Path, required=True, help="folder for their parts")
    shards.add_argument("--name", required=True, help="how the shards' names begin")
    return parser.parse_args(argv)


def plan(args: argparse.Namespace) -> dict[str, int]:
    """Write plan and manifest; gives how many files are new, as they were, and gone."""
    with tempfile.TemporaryDirectory() as before:
        return _plan(args, Path(before))


def _plan(args: argparse.Namespace, before: Path) -> dict[str, int]:
    settings = _settings(args)
    sounds, prepared = Folder(args.sounds, args.region), Folder(args.prepared, args.region)
    # a part is read line by line beside all others, so all are open
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    parts, lost = former_parts(prepared, before)
    framing = before / MANIFEST / FRAMING
    for folder in (args.plan, args.manifest):
        folder.mkdir(parents=True, exist_ok=True)
    print(sentence(f"listing {args.sounds}, of which {len(parts)} shards are there"), flush=True)
    listing = (file for file, _ in sounds.files())
    found = make_plan(listing, parts, args.plan, sounds.url)
    if framing.is_file():
        how = Prepared.read(framing.parent)
    else:
        if not found.sounds:
            raise DataError(f"there is no sound in {args.sounds}")
        from sound_vae.data.shards.framed import decide  # loads TensorFlow

        looked_at = found.sample.names
        print(f"looking at {len(looked_at):,} of {found.sounds:,} sounds", flush=True)
        how = decide(looked_at, found.sounds, sounds.fetch, **settings)
    for folder in (args.plan, args.manifest):
        how.write(folder)
    found.write(args.manifest, lost)
    return {"new": found.todo, "unchanged": found.kept, "gone": found.dropped}


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    given = {
        name: read(f"{args.settings[name]}")
        for name, read in args.readers.items()
        if name in args.settings
    }
    return {"trim_db": args.trim_db, **given}


def shards(args: argparse.Namespace) -> None:
    """Write the shards; raises DataError at the end when some of them failed."""
    from sound_vae.data.shards.writing import write_shards  # loads TensorFlow

    prepared = Prepared.read(args.plan)
    for folder in (args.shards, args.parts):
        folder.mkdir(parents=True, exist_ok=True)
    files = [file for file in read_todo(args.plan) if (args.sounds / file.name).is_file()]
    _check_share(args, files)
    name = f"{args.name}-{_host()}"
    todo = shards_of(files, prepared, name)
    failures, clips, started = [], 0, time.monotonic()

    def before(shard: Shard) -> None:
        """If the machine has not the memory, nobody is left to say what it was at."""
        _say(f"it ended at {shard}")

    for shard, error in write_shards(
        todo, prepared, sounds=args.sounds, shards=args.shards, parts=args.parts, before=before
    ):
        clips += len(shard.files)
        print(f"{clips:,} of {len(files):,} files, {time.monotonic() - started:.1f} s", flush=True)
        if error is not None:
            failures.append(f"{shard} failed: {error}")
            print(sentence(failures[-1]), flush=True)
            for file in shard.files:
                print(sentence(f"  not prepared: {file.name}"), flush=True)
    if failures:
        raise DataError("; ".join(failures))


def _check_share(args: argparse.Namespace, files: list[Listed]) -> None:
    """Raise DataError where files came that the plan does not name as they lie there."""
    there = next((file for file in args.sounds.rglob("*") if file.is_file()), None)
    if there and not files:
        raise DataError(
            f"the plan names none of the files that this machine was given, such as {there}"
        )


def _host() -> str:
    """Give this machine's name in the job, as /opt/ml/config/resourceconfig.json has it."""
    config = sagemaker_folder() / "config" / "resourceconfig.json"
    if not config.is_file():
        return socket.gethostname()
    name: str = json.loads(config.read_text("utf-8"))["current_host"]
    return name


def _say(text: str) -> None:
    """Leave the text for DescribeProcessingJob's ExitMessage; elsewhere it is only printed."""
    output = sagemaker_folder() / "output"
    if output.is_dir():
        (output / "message").write_text(text, encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Run, and give the exit code; a mistake that a user can mend becomes one sentence."""
    args = parse_args(argv)
    try:
        if args.command == "plan":
            found = json.dumps(plan(args))
            print(found, flush=True)
            _say(found)
        else:
            shards(args)
            _say("")
    except DataError as error:
        _say(sentence(str(error)))
        print(f"error: {sentence(str(error))}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
