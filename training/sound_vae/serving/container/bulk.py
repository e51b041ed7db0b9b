"""A file of requests at once, and an archive of what was made: the work of a Batch Transform job.

The file holds JSON lines, each a request as the endpoint takes it, but with a `count` of any size
that fits into the answer; or a JSON list of such requests, which is what Step Functions can write.
A request that cannot be answered is no reason not to answer the others: SageMaker "doesn't upload
partially processed objects", so its sentence stands in the archive instead
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformOutput.html).

    summary.json       {"lines": 2, "sounds": 4, "refused": 1, "first": ["line 2: label is ..."]}
    index.jsonl        {"line": 1, "sounds": [{"file": "000001-0001.wav", "seed": 42, ...}, ...]}
                       {"line": 2, "refused": "label is ..."}
    000001-0001.wav    line and number

The archive is uncompressed, and the summary always has the same place and length, so that a few
bytes of a large one tell what became of it: `Range: bytes=512-1535`. Accept: application/json
answers with the summary alone, and with `most`, how many sounds a file may ask for.
"""

import base64
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

from sound_vae.serving.container.answer import accepted, max_count, with_labels
from sound_vae.serving.container.json_error import BadRequest, bad_request
from sound_vae.serving.container.served_graph import call_model
from sound_vae.serving.container.sound_request import (
    MAX_SEED,
    graph_call,
    read_object,
    seed_of,
)

LINES, TAR = "application/jsonlines", "application/x-tar"
ANSWER_BYTES = 256_000_000  # of sounds; several such answers must fit into the memory of a machine
AT_ONCE = 32  # sounds that the graph is asked for: more are no faster, and take more memory
SUMMARY_BYTES = 1024
OTHER = "put it into another file"
FIRST, SENTENCE = 3, 200  # sentences in the summary, and letters of each


def bulk(body: bytes, accept: str | None, model: dict[str, Any], uri: str) -> tuple[bytes, str]:
    """Archive or summary, and its content type.

    Raises BadRequest where the whole file is at fault, and NotReady.
    """
    kind = TAR if TAR in (accept or "") else accepted(accept)[0]
    if kind == "audio/wav":
        raise bad_request(f"audio/wav holds one sound: a file of requests is answered with {TAR}")
    most = max(1, ANSWER_BYTES // (44 + 2 * model["clip_samples"]))
    index: list[dict[str, Any]] = []
    files: list[tuple[str, bytes]] = []
    for line, text in enumerate(requests_in(body), 1):
        try:
            made = list(sounds_of(text, model, uri, most - len(files)))
        except BadRequest as error:
            index.append({"line": line, "refused": str(error)})
            continue
        names = [f"{line:06}-{number:04}.wav" for number in range(1, len(made) + 1)]
        said = [{"file": name, **about} for name, (about, _) in zip(names, made, strict=True)]
        index.append({"line": line, "sounds": said})
        files += zip(names, (wav for _, wav in made), strict=True)
    about = summary(index, len(files))
    if kind != TAR:
        return json.dumps({**about, "most": most}).encode(), kind
    return archive(about, index, files), kind


def requests_in(body: bytes) -> list[Any]:
    """Take the file apart: texts of JSON, or objects that were parsed already."""
    if body.lstrip().startswith(b"["):
        try:
            requests = json.loads(body)
        except (ValueError, RecursionError):
            raise bad_request("the file begins as a list but is not JSON") from None
    else:
        requests = [line for line in body.split(b"\n") if line.strip()]
    if not requests:
        raise bad_request("the file holds no request: write one a line, such as {}")
    return list(requests)


def sounds_of(
    text: Any, model: dict[str, Any], uri: str, room: int
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield what is said of each sound of one request, and its WAV file.

    Raises BadRequest, also when there are more than `room` sounds.
    """
    request = read_object(text)
    wanted = request.get("count")
    if type(wanted) is int and wanted > room:
        raise bad_request(
            f"count is {wanted}, but the answer has room for {room} more sounds: {OTHER}"
        )
    for piece in pieces(request, min(AT_ONCE, max_count(model))):
        signature, inputs, sounds = graph_call(piece, model)
        room -= len(sounds)
        if room < 0:
            raise bad_request(f"the answer has no room for so many sounds: {OTHER}")
        outputs = call_model(uri, signature, inputs)
        for about, wav in zip(with_labels(sounds, outputs), outputs["wav_bytes"], strict=True):
            yield about, base64.b64decode(wav["b64"])


def pieces(request: dict[str, Any], at_once: int) -> Iterator[dict[str, Any]]:
    """Yield requests of at most `at_once` sounds that together make the same as the given one."""
    count = request.get("count")
    if type(count) is not int or count <= at_once:
        yield request
        return
    seed = seed_of(request)
    for start in range(0, count, at_once):
        part = {"count": min(at_once, count - start), "seed": (seed + start) % (MAX_SEED + 1)}
        yield {**request, **part}


def summary(index: list[dict[str, Any]], sounds: int) -> dict[str, Any]:
    """Count, and give the sentences of the first lines that were refused."""
    refused = [line for line in index if "refused" in line]
    first = [f"line {one['line']}: {one['refused']}"[:SENTENCE] for one in refused[:FIRST]]
    return {"lines": len(index), "sounds": sounds, "refused": len(refused), "first": first}


def archive(
    about: dict[str, Any], index: list[dict[str, Any]], files: list[tuple[str, bytes]]
) -> bytes:
    """Write summary, index and sounds, without times, so that the same work is the same bytes."""
    lines = "".join(json.dumps(line) + "\n" for line in index)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in [
            ("summary.json", json.dumps(about).ljust(SUMMARY_BYTES - 1).encode() + b"\n"),
            ("index.jsonl", lines.encode()),
            *files,
        ]:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return content.getvalue()
