"""Checks a request to the endpoint and shapes the answer; runs in front of TensorFlow Serving.

    {"label": "seven", "count": 1, "temperature": 0.8, "seed": 42}    new sounds of a label
    {"label": "flute", "pitch": 440}                                  at that pitch in Hz
    {"from": "three", "to": "seven", "steps": 8}                      a morph between two labels
    {"from": "flute", "to": "oboe", "pitch": [440, 880]}              one that glides
    {"audio": "<base64 of a WAV file>", "count": 4}                   variations of that sound
    {"z": [[...]]}                                                    exactly these latent vectors
    {}                                                                one sound of any label

A JSON string that holds such an object is taken as well.

Accept: audio/wav answers one sound as a WAV file, anything else JSON, `rms` on a scale of 0 to 1:
{"sample_rate": 8000,
 "sounds": [{"label": "seven", "seed": 42, "rms": 0.12, "wav": "<base64>", "z": [...]}]}
Accept: application/json; wav=no leaves out `wav` and `z`, which are most of the bytes.

A sound is described as far as the request decides it: of a label by `label` and `seed`; in a morph
by `from`, `to`, `seed` and `position`, which goes from 0 at `from` to 1 at `to`; as a variation by
`seed`; from `z` by nothing but that; and by `pitch` where one is asked for, which a model with a
vocoder allows: the same `z` and `pitch` are the same sound again.

Content-Type: application/jsonlines takes a file of requests, one a line, each of any `count`, and
Accept: application/x-tar answers with an archive of WAV files: bulk.py, which Batch Transform uses.

What the caller can mend is HTTP 400, any fault of the model server HTTP 503, both with
{"title": ..., "description": "a sentence"}.

The container holds no TensorFlow: the sound is made by the served graph, model.json beside it says
what it can make.
"""

import base64
import json
from pathlib import Path
from typing import Any

from sound_vae.serving.container.answer import accepted, described
from sound_vae.serving.container.bulk import LINES, bulk
from sound_vae.serving.container.json_error import bad_request
from sound_vae.serving.container.served_graph import call_model
from sound_vae.serving.container.sound_request import graph_call, media_type, read_request

MODEL = json.loads(Path(__file__).parent.parent.joinpath("model.json").read_text(encoding="utf-8"))


def handler(data: Any, context: Any) -> tuple[str | bytes, str]:
    """Body and content type of the answer.

    Raises BadRequest or NotReady, falcon.HTTPErrors whose description is a sentence.
    """
    if media_type(context.request_content_type) == LINES:
        return bulk(data.read(), context.accept_header, MODEL, context.rest_uri)
    kind, with_wav = accepted(context.accept_header)
    request = read_request(data.read(), context.request_content_type)
    signature, inputs, sounds = graph_call(request, MODEL)
    if kind == "audio/wav" and len(sounds) != 1:
        raise bad_request(
            f"audio/wav holds one sound, but {len(sounds)} are asked for: "
            "ask for one, or accept application/json"
        )
    outputs = call_model(context.rest_uri, signature, inputs)
    if kind == "audio/wav":
        return base64.b64decode(outputs["wav_bytes"][0]["b64"]), kind
    answer = {"sample_rate": MODEL["sample_rate"], "sounds": described(sounds, outputs, with_wav)}
    return json.dumps(answer), kind
