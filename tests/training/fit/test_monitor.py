"""What can be watched while a model trains; that it costs nothing but time when it goes wrong."""

import io
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from sound_vae.data.contents import NO_LABEL
from sound_vae.data.dataset import Dataset
from sound_vae.fit.event_file import event_files
from sound_vae.fit.monitor import Monitor
from sound_vae.fit.schedule import Schedule
from sound_vae.fit.trainer import Trainer
from sound_vae.model.autoencoder import VAE, Architecture
from tests.training.tones import noisy_tones


def trainer(epochs: int = 3, data: Dataset | None = None) -> Trainer:
    data = data or noisy_tones(12, seed=0)
    shape = (data.transform.frames, data.transform.bins)
    vae = VAE(Architecture("default", *shape, latent_dim=4, channels=8))
    validation, training = data.subset(np.arange(4)), data.subset(np.arange(4, 12))
    return Trainer(vae, training, validation, Schedule(epochs, 2, 1e-3, 1, 4, 0))


def watching(folder: Path, of: Trainer, history: list[dict[str, float]]) -> Monitor:
    return Monitor(folder, of, history, iterations=4, trim_db=45.0)


def figures(epoch: int) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": 2.0 / epoch, "val_loss": 3.0 / epoch}


def events(folder: Path) -> list[tuple[int, str, str, Any]]:
    """Step, plugin, tag and content of all that TensorBoard would read."""
    found = []
    for file in event_files(folder):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                content = tf.make_ndarray(value.tensor)
                found.append(
                    (event.step, value.metadata.plugin_data.plugin_name, value.tag, content)
                )
    return found


def curve(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(step, float(x)) for step, plugin, name, x in events(folder) if name == tag]


def test_every_epoch_is_a_point_of_every_curve(tmp_path: Path) -> None:
    monitor = watching(tmp_path, trainer(), [])
    for epoch in (1, 2, 3):
        monitor.after_epoch(figures(epoch))
        assert curve(tmp_path, "val_loss") == [(e, 3.0 / e) for e in range(1, epoch + 1)]
    assert curve(tmp_path, "train_loss") == [(1, 2.0), (2, 1.0), (3, pytest.approx(2 / 3))]


def test_every_few_epochs_there_are_a_picture_and_a_sound_of_each_label(tmp_path: Path) -> None:
    monitor = watching(tmp_path, trainer(epochs=30), [])
    for epoch in range(1, 8):
        monitor.after_epoch(figures(epoch))
    folders = sorted(folder.name for folder in (tmp_path / "samples").iterdir())
    assert folders == ["epoch-0001", "epoch-0003", "epoch-0006"]
    files = sorted((tmp_path / "samples" / "epoch-0006").iterdir())
    assert [file.name for file in files] == ["high.wav", "low.wav"]
    transform = noisy_tones(2, seed=0).transform
    sound, rate = soundfile.read(files[0])
    assert (len(sound), rate) == (transform.clip_samples, transform.sample_rate)
    assert np.abs(sound).max() == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    shown = [event for event in events(tmp_path) if event[0] == 6]
    (played,) = [x for _, plugin, tag, x in shown if plugin == "audio" and tag.endswith("/high")]
    np.testing.assert_array_equal(soundfile.read(io.BytesIO(played[0, 0]))[0], sound)
    ((width, height, png),) = [
        x for _, plugin, tag, x in shown if plugin == "images" and tag.endswith("/low")
    ]
    assert tf.io.decode_png(png).shape == (int(height), int(width), 3)
    assert (int(height), int(width)) == (transform.bins, 3 * transform.frames + 8)


def test_a_picture_begins_with_the_recording(tmp_path: Path) -> None:
    data = noisy_tones(12, seed=0)
    loud = Dataset.of(
        np.ones((12, *data.clips.shape[1:]), np.float16), data.transform, data.label_ids, ["a", "b"]
    )
    monitor = watching(tmp_path, trainer(data=loud), [])
    monitor.after_epoch(figures(1))
    png = next(x for _, plugin, _, x in events(tmp_path) if plugin == "images")[2]
    pixels = tf.io.decode_png(png).numpy()
    recorded, others = pixels[:, : data.transform.frames], pixels[:, data.transform.frames + 4 :]
    assert np.ptp(recorded.reshape(-1, 3), axis=0).max() == 0
    assert recorded.min() > others.min()


def test_sounds_without_labels_are_called_any(tmp_path: Path) -> None:
    data = noisy_tones(12, seed=0)
    unlabelled = replace(data, labels=[], label_ids=np.full(12, NO_LABEL))
    watching(tmp_path, trainer(1, unlabelled), []).after_epoch(figures(1))
    names = sorted(file.name for file in tmp_path.glob("samples/*/*"))
    assert names == ["any-2.wav", "any-3.wav", "any-4.wav", "any.wav"]


def test_a_run_that_goes_on_shows_its_whole_curve(tmp_path: Path) -> None:
    history = [figures(1), figures(2)]
    for epoch in (1, 2):
        watching(tmp_path, trainer(), history[: epoch - 1]).after_epoch(figures(epoch))
    watching(tmp_path, trainer(), history).after_epoch(figures(3))
    assert curve(tmp_path, "val_loss") == [(1, 3.0), (2, 1.5), (3, 1.0)]
    assert len(list(tmp_path.glob("samples/*"))) == 3


def test_another_run_s_files_are_taken_away_and_those_of_others_are_not(tmp_path: Path) -> None:
    other = tmp_path / "events.out.tfevents.1.somebody"
    other.touch()
    for epochs in (2, 1):
        monitor = watching(tmp_path, trainer(), [])
        for epoch in range(1, epochs + 1):
            monitor.after_epoch(figures(epoch))
    assert curve(tmp_path, "val_loss") == [(1, 3.0)]
    assert [folder.name for folder in tmp_path.glob("samples/*")] == ["epoch-0001"]
    assert other.exists()


def test_watching_changes_no_weight(tmp_path: Path) -> None:
    watched = trainer()
    before = watched.vae.get_weights()
    watching(tmp_path, watched, []).after_epoch(figures(1))
    for one, other in zip(before, watched.vae.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_folder_that_cannot_be_made_ends_the_watching_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monitor = watching(tmp_path / "file", trainer(), [])
    monitor.after_epoch(figures(1))
    assert capsys.readouterr().out.count("nothing more to watch in") == 1


def test_a_disk_that_fills_up_ends_the_watching_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = watching(tmp_path, trainer(), [])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        for epoch in (1, 2, 3):
            monitor.after_epoch(figures(epoch))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert capsys.readouterr().out.count("nothing more to watch in") == 1
