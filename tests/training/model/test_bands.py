from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from sound_vae.model.bands import BANDS, bands, level_in_bands
from sound_vae.model.framing import Framing


@pytest.mark.parametrize("framing", [Framing.choose(8000, 0.6), Framing(44_100, 2048, 2048, 512)])
def test_bands_share_every_bin_and_low_ones_are_narrower(framing: Framing) -> None:
    found = bands(framing)
    assert found.shape == (BANDS, framing.bins)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    assert all(a < b for a, b in pairwise(found.argmax(axis=1)))
    widths = found.sum(axis=1)
    assert widths[-2] > 2 * widths[1]


def test_a_band_without_a_bin_has_no_level() -> None:
    coarse = Framing(22_050, 256, 32, 16)
    level = level_in_bands(tf.fill([1, coarse.frames, coarse.bins], 0.5), coarse).numpy()
    has_bins = bands(coarse).any(axis=1)
    assert not has_bins.all()
    np.testing.assert_allclose(level[0, 0], np.where(has_bins, 0.5, 0), atol=1e-6)
