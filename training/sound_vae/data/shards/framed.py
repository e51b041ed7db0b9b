"""Decides once how all sounds of a folder are framed, by those that there are or some of them."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sound_vae.data.clips import MAX_CHOSEN_SECONDS, Clips
from sound_vae.data.contents import read_contents
from sound_vae.data.dataset import transform_for
from sound_vae.data.report import DataError
from sound_vae.data.shards.layout import Prepared
from sound_vae.model.framing import Framing

Fetch = Callable[[Sequence[str], Path], None]
"""Brings files of these names into a folder."""


def decide(names: Sequence[str], sounds: int, fetch: Fetch, **chosen: Any) -> Prepared:
    """Look at the sounds of these names, which are of `sounds`, as if they were to be trained on.

    What is `chosen` stays so. Raises DataError when none of them can be used.
    """
    with tempfile.TemporaryDirectory() as folder:
        fetch(names, Path(folder))
        try:
            contents = read_contents(Path(folder), **chosen)
        except DataError as error:
            raise DataError(str(error).replace(folder, "the folder of sounds")) from error
        if not isinstance(contents.clips, Clips):
            raise DataError("the folder holds spectrograms, which need no preparing")
        notes = len(contents.report.notes)
        transform = transform_for(contents, **chosen)
        return Prepared(
            Framing(**transform.to_json()),
            contents.clips.samples,
            chosen.get("clip_seconds") or MAX_CHOSEN_SECONDS,
            chosen["trim_db"],
            chosen.get("cut_long"),
            len(names),
            sounds,
            contents.report.notes[notes:],
        )
