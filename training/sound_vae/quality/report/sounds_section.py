"""The section of sounds: recorded, coded and decoded, new; to hear and to see."""

from collections.abc import Sequence

import numpy as np

from sound_vae.picture import coloured, png
from sound_vae.quality.report.examples import Example
from sound_vae.quality.report.run import Run
from sound_vae.quality.report.svg import spectrogram, text
from sound_vae.quality.report.words import base64_of

PIXELS = 320  # least height and width of a picture, so that a browser does not blur it


def sounds_section(run: Run, shown: Sequence[Example]) -> str:
    """Show three spectrograms with their players for each example."""
    transform, titles = run.model.transform, ("Recording", "Coded and decoded", "New sound")
    hertz = transform.bins * transform.sample_rate / transform.n_fft
    trios = []
    for example in shown:
        parts = []
        for caption, wav, values in zip(titles, example.wavs, example.spectrograms, strict=True):
            picture = spectrogram(_picture(values), transform.seconds, hertz)
            parts.append(
                f"<figure><figcaption>{caption}</figcaption>{picture}"
                "<audio controls preload='none' "
                f"src='data:audio/wav;base64,{base64_of(wav)}'></audio></figure>"
            )
        held_back = "held back from learning" if example.held_back else "which was learnt from"
        trios.append(
            f"<h3>{text(example.label or 'any sound')}</h3><p class='note'>The recording is "
            f"{text(example.name)}, {held_back}.</p><div class='trio'>{''.join(parts)}</div>"
        )
    left = len(run.model.labels) - len(shown)
    more = f"<p class='note'>{left} more labels are in samples/.</p>" if left > 0 else ""
    return (
        "<section><h2>Recordings and sounds side by side</h2><p class='note'>Time goes to the "
        "right, pitch upwards, louder is lighter. What coding and decoding loses is what the model "
        "cannot make; a new sound is another one of the label, not a copy.</p>"
        f"{''.join(trios)}{more}</section>"
    )


def _picture(values: np.ndarray) -> bytes:
    """Draw (frames, bins) with whole pixels for each value, so that no browser blurs them."""
    pixels = coloured(values)
    down, along = (-(-PIXELS // length) for length in pixels.shape[:2])
    return png(pixels.repeat(down, axis=0).repeat(along, axis=1))
