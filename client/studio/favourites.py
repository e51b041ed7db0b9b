"""The favourites as a zip file: WAV files, an instrument for samplers, and what made each of them.

eight-42.wav …     16-bit WAV files
favourites.json    label, seed, temperature and z of each: what makes the same sound again
favourites.sfz     a key for each, from C2 on
"""

import base64
import binascii
import io
import json
import zipfile
from typing import Any

from client.pack import FIRST_KEY, LAST_KEY, folder_names
from client.studio.wishes import WrongWishError

MOST = 500  # sounds of a file
LEFT_OUT = ("wav", "id", "title")  # of what the page keeps


def zipped(model: str, favourites: Any) -> bytes:
    """Return the zip file of a list of {"title": …, "wav": "<base64>", …}; raises `Failure`."""
    if not isinstance(favourites, list) or not 1 <= len(favourites) <= MOST:
        raise WrongWishError(f"sounds must be a list of 1 to {MOST} favourites.")
    if not all(isinstance(favourite, dict) for favourite in favourites):
        raise WrongWishError("A favourite is an object with title and wav.")
    titles = [f"{number} {one.get('title', 'sound')}" for number, one in enumerate(favourites)]
    names = folder_names(titles)
    target, table = io.BytesIO(), []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for title, favourite in zip(titles, favourites, strict=True):
            file = f"{names[title][:100]}.wav"
            archive.writestr(file, _wav(favourite.get("wav")))
            kept = {name: favourite[name] for name in favourite if name not in LEFT_OUT}
            table.append({"file": file, **kept})
        content = {"model": model, "sounds": table}
        archive.writestr("favourites.json", json.dumps(content, indent=2, ensure_ascii=False))
        archive.writestr("favourites.sfz", _sfz([entry["file"] for entry in table]))
    return target.getvalue()


def _sfz(files: list[str]) -> str:
    """Write the instrument; the format is described at sfzformat.com."""
    keys = range(FIRST_KEY, LAST_KEY + 1)
    regions = [
        f"<region> key={key} loop_mode=one_shot sample={file}"
        for key, file in zip(keys, files, strict=False)
    ]
    return "\n".join(["// every favourite has a key of its own", *regions, ""])


def _wav(value: Any) -> bytes:
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        content = b""
    if not content.startswith(b"RIFF"):
        raise WrongWishError("The wav of a favourite must be the base64 of a WAV file.")
    return content
