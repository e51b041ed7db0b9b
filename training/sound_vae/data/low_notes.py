"""Tells whether notes are so low that the usual window does not hold two of their periods.

A window of 32 ms resolves speech, and shows when a drum is hit. Of a bass it holds one period, in
which no pitch can be found. A window twice as long hears an octave lower, half as exactly in time.
"""

import numpy as np

from sound_vae.data.clips import Clips
from sound_vae.model.excitation import analyse, lowest_note, lowest_pitch
from sound_vae.model.spectrogram import Transform

MOST = 64  # clips that are looked at
FRAMES_AT_ONCE = 2_000
STEADY_SECONDS = 0.4  # that a low pitch lasts; a bass drum's is shorter
ENOUGH = 0.03  # of the clips must have one


def share_of_low_notes(clips: Clips, lowest: float, longer: Transform) -> float:
    """Give the share of clips that have a steady pitch below `lowest` Hz, by a longer window."""
    chosen = np.unique(np.linspace(0, len(clips.names) - 1, MOST).astype(int))
    at_once = max(FRAMES_AT_ONCE // longer.frames, 1)
    low = 0
    for start in range(0, len(chosen), at_once):
        waves = clips.waves(chosen[start : start + at_once], longer.clip_samples)
        found = analyse(longer.spectrogram(waves).numpy(), longer)
        pitch = lowest_pitch(longer) * 2**found.octaves
        is_low = (pitch > lowest_note(longer)) & (pitch < lowest)
        seconds = (is_low * found.pitch_weight).sum(axis=1) * longer.hop_length / longer.sample_rate
        low += int((seconds > STEADY_SECONDS).sum())
    return low / len(chosen)
