"""Writes docs/pipeline.md from the definitions: `python -m infra.pipeline.page`.

    python -m infra.pipeline.page rendered.png     # also docs/pipeline.png, from a rendered picture

The picture carries the text that it was rendered from, so that a test can tell when it is old.
"""

import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import yaml

from infra.pipeline.definition import FOLDER
from infra.pipeline.drawing import drawing
from infra.pipeline.sentences import SECTIONS, Sentence

PAGE = FOLDER.parents[1] / "docs" / "pipeline.md"
PICTURE = PAGE.with_suffix(".png")
PNG_HEADER_BYTES = 33  # signature and IHDR, after which any chunk may stand
KEYWORD = b"Mermaid\0"

BEFORE = """# The pipeline

Three state machines of AWS Step Functions. The one that you start trains and promotes; every change
of the endpoint it leaves to the second, and sounds in bulk to the third. Their definitions are
[train_and_promote.asl.yaml](../infra/pipeline/train_and_promote.asl.yaml),
[endpoint.asl.yaml](../infra/pipeline/endpoint.asl.yaml) and
[generation.asl.yaml](../infra/pipeline/generation.asl.yaml), with the longer expressions in
[queries/](../infra/pipeline/queries); the console shows the same graphs, with the state that an
execution is in. Small ones stand beside them:
[preparation.asl.yaml](../infra/pipeline/preparation.asl.yaml) prepares sounds where there are many,
[deployment.asl.yaml](../infra/pipeline/deployment.asl.yaml) lets a deployment wait for a promotion,
[removal.asl.yaml](../infra/pipeline/removal.asl.yaml) stops what runs before the stack goes, and
[upload.asl.yaml](../infra/pipeline/upload.asl.yaml), with `train_after_upload_minutes`, starts an
execution when uploads have been quiet. (`python -m infra.pipeline.page` writes this page from
them.)

A hexagon asks, and the arrows from it carry the answers. A box with double sides holds states of
its own, drawn further down. Dotted arrows are for what went wrong.

## At a glance
"""

TOP = (
    "*Name the run* reads the input and gives every job, model and config a common beginning. "
    "*Repair what was left* brings the endpoint back if an execution was stopped while it "
    "promoted; a rule does so at once, this is for when the rule failed. *Let others promote* ends "
    "the turn. ([The same as a picture](pipeline.png).)"
)

BLOCKS = {
    "Check the input": (
        "Says at once what is wrong with the input, counts the sounds that it names until there "
        "are enough for preparing to pay, and finds out what is served, for the new model to be "
        "compared with. Nothing has cost anything yet."
    ),
    "Prepare": (
        "Where there are many sounds, or the input says so, the state machine that prepares them "
        "is called. *Preparing the sounds* below says what it does. The output's `preparation` "
        "says why or why not."
    ),
    "Train": (
        "Asks for the instance types in their order, each on spare capacity first if `spot` is "
        "set, until one trains. An attempt that failed for want of a quota or of capacity is "
        "followed by the next, one that failed in the script is not. The job's summary then says "
        "what it learned, and what became of the files."
    ),
    "Try an instance": (
        "The job, and beside it a watch that stops a job on spare capacity that got no instance "
        "within `spot_wait_minutes`."
    ),
    "Promote": (
        "Waits for its turn, as only one execution may change the endpoint; decides whether the "
        "new model is better than what is served at that moment; copies its archive to where no "
        "job can write; gives the endpoint a config with it, listens, and records what is served. "
        "If a deployment changed the endpoint just before, another config is made, with what that "
        "deployed. Whatever fails here, *Undo the promotion* brings the former config back."
    ),
}

ENDPOINT = (
    "The other state machine is called to `take` the turn, to `serve` a config, to `settle` when "
    "that is recorded, to `undo`, and to `repair` what a stopped execution left. One item in "
    "DynamoDB says whose turn it is, and, while the endpoint is being changed, what was there "
    "before: whoever comes after an execution that was stopped half-way brings that back. A change "
    "that ends takes along the models and configs that are of no use any more: after a promotion "
    "all but those served now and before, else those of the execution that failed or was stopped. "
    "That may fail: they cost nothing, and the next promotion tries again."
)

PREPARATION = (
    "Two processing jobs of SageMaker's. In the first one machine compares the folder with what "
    "was prepared of it before, by the ETags of S3: files that are new or changed are to be "
    "prepared, files that are gone count no more. The first time it also decides sample rate, "
    "length and window by the sounds, as training does, or by some 4,096 to 8,192 of them at equal "
    "distances. In the second job `instance_count` machines prepare their shares: they decode, "
    "trim and transform, and write shards of some 64 MB, TFRecord files of spectrograms that "
    "are as long as their sounds. A shard goes to S3 as soon as it is finished: an execution that "
    "was stopped goes on there. All lies below `prepared/`, for each data folder and each choice "
    "of `sample_rate`, `clip_seconds`, `n_fft`, `hop_length`, `trim_db` and `cut_long` in a folder "
    "of its own, which can be deleted, and is then made again; what is of a deleted recording "
    "stays in its shard until then. Training reads the shards as a stream (FastFile mode), so it "
    "neither waits for a download nor needs the memory."
)

GENERATION = (
    "With `generate` in the input nothing is trained; [a page](generation.md) says how to ask. The "
    "third state machine finds the model that is served and asks the endpoint for a sound of each "
    "label, so that a wish that the model does not know costs nothing. Counts become files of "
    "requests, and files of requests archives of sounds, some hundred files a job. It looks which "
    "archives are there already, so a run that was cut short goes on where it was."
)

DEPLOYMENT = (
    "`cdk deploy` takes part in this where it may change the endpoint: its image, memory, "
    "concurrency, role, tags, the starter. While the endpoint is being changed by a promotion, the "
    "deployment waits, a quarter of an hour at most, and then fails before it has changed what is "
    "served; otherwise a state machine of one state writes into the same item that a deployment "
    "has come, and promotions wait until that has ended. Other deployments, such as those of new "
    "training code, wait for nothing."
)

REMOVAL = (
    "Another one is called when the stack is removed. It stops executions and jobs, so "
    "that nothing goes on costing money, and a new stack of this name can be deployed at once."
)

SENTENCES = """## What it says when it fails, and what to do

An execution that fails ends with an error and a sentence, in the console under *Execution input
and output*, or as `error` and `cause` of `aws stepfunctions describe-execution`. The endpoint
serves what it served before, unless the sentence says otherwise. `…` stands for what it fills in.
"""


def page() -> str:
    """Write the page."""
    names = ("train_and_promote", "preparation", "endpoint", "generation", "removal")
    machine, preparation, endpoint, generation, removal = map(_definition, names)
    parts = [BEFORE, _block(drawing(machine)), TOP + "\n"]
    for name, text in BLOCKS.items():
        branches = _branches(machine, name)
        parts += [f"## {name}\n", text + "\n", _block(drawing(*branches))]
    parts += ["## Preparing the sounds\n", PREPARATION + "\n", _block(drawing(preparation))]
    parts += ["## Changing the endpoint\n", ENDPOINT + "\n", _block(drawing(endpoint))]
    parts += ["## Sounds in bulk\n", GENERATION + "\n", _block(drawing(generation))]
    parts += ["## Deploying during a promotion\n", DEPLOYMENT + "\n"]
    parts += ["## Removing the stack\n", REMOVAL + "\n", _block(drawing(removal)), SENTENCES]
    parts += [_section(*section) for section in SECTIONS]
    return "\n".join(parts)


def _definition(name: str) -> dict[str, Any]:
    definition: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.asl.yaml").read_text("utf-8"))
    return definition


def _branches(machine: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the branches of the state `name`, at whatever depth it is; raises KeyError."""
    scopes = [machine]
    for scope in scopes:
        if name in scope["States"]:
            branches: list[dict[str, Any]] = scope["States"][name]["Branches"]
            return branches
        for state in scope["States"].values():
            scopes += state.get("Branches", [])
    raise KeyError(name)


def _block(text: str) -> str:
    return f"```mermaid\n{text}\n```\n"


def _section(title: str, before: str, sentences: tuple[Sentence, ...]) -> str:
    rows = "".join(
        f"| {s.says.strip().replace('<', '&lt;').replace('|', '&#124;')} | {s.do} |\n"
        for s in sentences
    )
    return f"### {title}\n\n{before}\n\n| it says | what to do |\n|---|---|\n{rows}"


def picture_of() -> str:
    """Return the text that the picture shows: the top level."""
    return drawing(_definition("train_and_promote"))


def marked(png: bytes, text: str) -> bytes:
    """Return the picture with the text that it was rendered from, as a tEXt chunk."""
    body = b"tEXt" + KEYWORD + text.encode("latin-1")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:PNG_HEADER_BYTES] + chunk + png[PNG_HEADER_BYTES:]


def mark_of(png: bytes) -> str:
    """Return the text that a picture carries; raises ValueError if it carries none."""
    before, found, after = png.partition(b"tEXt" + KEYWORD)
    if not found:
        raise ValueError("the picture does not say what it was rendered from")
    length = struct.unpack(">I", before[-4:])[0] - len(KEYWORD)
    return after[:length].decode("latin-1")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    if len(sys.argv) > 1:
        PICTURE.write_bytes(marked(Path(sys.argv[1]).read_bytes(), picture_of()))
