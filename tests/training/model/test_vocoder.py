import numpy as np
import pytest
import tensorflow as tf
from scipy import signal  # type: ignore[import-untyped]

from sound_vae.model.bands import BANDS
from sound_vae.model.excitation import Excitation, analyse, lowest_pitch
from sound_vae.model.harmonics import pulses
from sound_vae.model.spectrogram import Transform
from sound_vae.model.vocoder import Vocoder, noise_of
from sound_vae.quality.modulation import modulation_distance, modulation_spectrum

TRANSFORM = Transform.choose(8000, 0.4)
SHAPE = (1, TRANSFORM.frames, TRANSFORM.bins)
Z = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)


def vocoded(
    values: np.ndarray, hertz: float, periodicity: float, floor: float = 0.0, contrast: float = 1.0
) -> np.ndarray:
    octaves = np.full(SHAPE[:2], np.log2(hertz / lowest_pitch(TRANSFORM)), np.float32)
    waves = Vocoder(TRANSFORM, contrast).waveform(
        tf.constant(values, tf.float32),
        Excitation(
            tf.constant(octaves),
            tf.fill([*SHAPE[:2], BANDS], periodicity),
            tf.fill([*SHAPE[:2], BANDS], floor),
        ),
        tf.constant(Z[:1]),
    )
    return waves.numpy()


def test_a_flat_spectrogram_becomes_lines_at_the_harmonics() -> None:
    waves = vocoded(np.full(SHAPE, 0.7), 500, 1.0)
    spectrum = np.abs(np.fft.rfft(waves[0] * np.hanning(waves.shape[1])))
    hertz = np.fft.rfftfreq(waves.shape[1], 1 / TRANSFORM.sample_rate)
    between = spectrum[np.abs(hertz - 1250) < 100].max()
    for harmonic in (500, 1000, 2000, 3500):
        assert spectrum[np.abs(hertz - harmonic) < 20].max() > 30 * between


def test_pitch_and_periodicity_are_found_again_in_the_sound() -> None:
    values = np.full(SHAPE, 0.7)
    voiced, breathy = (
        analyse(TRANSFORM.spectrogram(tf.constant(vocoded(values, 150, share))).numpy(), TRANSFORM)
        for share in (1.0, 0.0)
    )
    inside = slice(4, -4)
    hertz = lowest_pitch(TRANSFORM) * 2 ** voiced.octaves[0, inside]
    np.testing.assert_allclose(hertz, 150, rtol=0.03)
    assert voiced.periodicity[0, inside].min() > 0.8
    assert breathy.periodicity[0, inside].mean() < 0.55


@pytest.mark.parametrize("contrast", [1.0, 1.1])
@pytest.mark.parametrize(("soft", "loud"), [(0.5, 0.75), (0.04, 0.24), (0.04, 0.64)])
def test_pulses_and_noise_are_as_loud_as_the_spectrogram_says(
    soft: float, loud: float, contrast: float
) -> None:
    values = np.full(SHAPE, soft)
    values[:, :, TRANSFORM.bins // 2 :] = loud
    for share in (0.0, 1.0):
        waves = vocoded(values, 125, share, contrast=contrast)
        power = np.abs(TRANSFORM.stft(tf.constant(waves)).numpy()[0, 6:-6]) ** 2
        low, high = (power[:, part].mean() for part in (slice(8, 50), slice(72, 120)))
        assert abs(10 * np.log10(high / low) - (loud - soft) * 80 * contrast) < 3


def test_a_bass_drum_stays_low() -> None:
    """A slow sound must not be taken for a short period: its lines would lie at 1 kHz."""
    hertz = np.geomspace(80, 45, TRANSFORM.clip_samples)
    wave = np.sin(2 * np.pi * np.cumsum(hertz) / TRANSFORM.sample_rate) / 2
    wave *= np.exp(-np.arange(len(wave)) / 1000)
    values = TRANSFORM.spectrogram(tf.constant(wave[None], tf.float32))
    found = analyse(values.numpy(), TRANSFORM)
    made = Vocoder(TRANSFORM).waveform(values, found, tf.constant(Z[:1])).numpy()[0]
    power = np.square(np.abs(np.fft.rfft(made)))
    low = np.fft.rfftfreq(len(made), 1 / TRANSFORM.sample_rate) < 150
    assert power[low].sum() > 0.99 * power.sum()
    early = slice(TRANSFORM.n_fft, 6 * TRANSFORM.n_fft)  # as one tone, not as narrow noise
    assert np.corrcoef(*(np.abs(signal.hilbert(x))[early] for x in (made, wave)))[0, 1] > 0.8


def test_what_a_decoder_has_blurred_gets_its_fine_structure_back() -> None:
    rng = np.random.default_rng(0)
    pitch = tf.constant(np.geomspace([90] * 4, [130, 150, 170, 190], TRANSFORM.frames, axis=1))
    voice = pulses(tf.cast(pitch, tf.float32), TRANSFORM).numpy() / 20
    voice += rng.normal(size=voice.shape) / 100
    values = TRANSFORM.spectrogram(tf.constant(voice, tf.float32))
    real = modulation_spectrum(values.numpy(), TRANSFORM)
    mean = tf.nn.avg_pool2d(values[..., None], 7, 1, "SAME")[..., 0]
    found = analyse(values.numpy(), TRANSFORM)
    rebuilt = TRANSFORM.waveform(mean, 16)
    vocoded = Vocoder(TRANSFORM).waveform(
        mean,
        found,
        tf.random.stateless_normal([4, 6], [0, 0]),
    )
    blurred, crisp = (
        modulation_distance(real, modulation_spectrum(TRANSFORM.spectrogram(w).numpy(), TRANSFORM))
        for w in (rebuilt, vocoded)
    )
    assert crisp < blurred / 2, (crisp, blurred)


def test_a_noise_floor_is_heard_between_lines_as_loud_as_it_is() -> None:
    hertz = np.fft.rfftfreq(TRANSFORM.clip_samples, 1 / TRANSFORM.sample_rate)
    between = (hertz > 1000) & (np.abs((hertz + 250) % 500 - 250) > 150)
    power = [
        np.square(np.abs(np.fft.rfft(vocoded(np.full(SHAPE, 0.7), 500, 1.0, floor)[0])))[between]
        for floor in (0.45, 0.55, 0.65)
    ]
    steps = np.diff([10 * np.log10(part.mean()) for part in power])
    np.testing.assert_allclose(steps, 0.1 * 80, atol=1)


def test_silence_stays_silent() -> None:
    assert not vocoded(np.zeros(SHAPE), 150, 0.5, 0.5).any()


def test_z_alone_decides_the_noise_whatever_else_is_in_the_batch() -> None:
    together = noise_of(tf.constant(Z), 4000).numpy()
    alone = noise_of(tf.constant(Z[1:2]), 4000).numpy()
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)
    np.testing.assert_allclose(together.std(axis=1), 1, atol=0.1)


def test_near_sounds_share_their_noise_and_far_ones_do_not() -> None:
    steps = np.concatenate([Z[:1], Z[:1] + 0.05, -8 * Z[:1]])
    same, near, far = noise_of(tf.constant(steps), 4000).numpy()
    assert np.corrcoef(same, near)[0, 1] > 0.95
    assert abs(np.corrcoef(same, far)[0, 1]) < 0.7


def test_noise_is_white() -> None:
    power = np.abs(np.fft.rfft(noise_of(tf.constant(Z), 8000).numpy(), axis=1)) ** 2
    parts = np.array([part.mean() for part in np.array_split(power, 8, axis=1)])
    np.testing.assert_allclose(parts / parts.mean(), 1, atol=0.12)
