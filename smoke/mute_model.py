"""A model that loads and answers, but makes no sound: nobody may promote it."""

import io
import tarfile

HANDLER = b'''"""Answers every request with silence."""


def handler(data, context):
    return '{"sample_rate": 8000, "sounds": [{"rms": 0.0}]}', "application/json"
'''
SCRIPT = "code/inference.py"


def muted(archive: bytes) -> bytes:
    """Return a model.tar.gz with the handler replaced; raises KeyError if it has none."""
    out = io.BytesIO()
    found = False
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as model,
        tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as mute,
    ):
        for member in model:
            body = model.extractfile(member) if member.isfile() else None
            if member.name.removeprefix("./") == SCRIPT:
                found = True
                member.size, body = len(HANDLER), io.BytesIO(HANDLER)
            mute.addfile(member, body)
    if not found:
        raise KeyError(f"the archive holds no {SCRIPT}")
    return out.getvalue()
