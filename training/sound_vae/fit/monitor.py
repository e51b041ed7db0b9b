"""What can be watched while a model trains: curves, pictures and sounds, epoch by epoch.

    monitor = Monitor(folder, trainer, history, iterations=16, trim_db=45.0)
    monitor.after_epoch({"epoch": 10, "val_loss": -2.5, ...})

    events.out.tfevents.*                  for TensorBoard: every figure of every epoch, and every
                                           few epochs a picture and a sound of each label
    samples/epoch-0010/<label>.wav         the same sounds as files

A picture holds a recording that is not learnt from, what coding and decoding make of it, and a new
sound. That one is drawn from the prior, with the same noise in every epoch, so that one hears the
model learn; the finished model draws from a density that is fitted at the end, and makes better
sounds. Phases are always reconstructed: a vocoder is trained at the end.

A run that goes on after an interruption writes its curves anew from the first epoch on, since what
was written before may be on another machine: a curve that is drawn twice has the same values.
Pictures and sounds go on.

None of it changes what is learnt, and none of it ends a run: a disk that is full ends the watching.
"""

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from sound_vae.data.contents import NO_LABEL
from sound_vae.data.one_of_each import one_of_each
from sound_vae.file_name import plain_names
from sound_vae.fit.event_file import EventFile, event_files
from sound_vae.fit.trainer import Trainer
from sound_vae.log import sentence
from sound_vae.model.wav_files import wav_files
from sound_vae.picture import coloured, png

TIMES = 10  # that pictures and sounds are made in a run
MOST_SHOWN = 12  # labels, each with a picture and a sound
SHOWN_WITHOUT_LABELS = 4
GAP = 4  # pixels between spectrograms
SAMPLES = "samples"  # folder of WAV files


class Monitor:
    """Writes into a folder after each epoch; `history` has the epochs that are done already.

    Sounds get their phases in so many `iterations`, and end `trim_db` below their loudest moment.
    """

    def __init__(
        self,
        folder: Path,
        trainer: Trainer,
        history: list[dict[str, float]],
        *,
        iterations: int,
        trim_db: float,
    ) -> None:
        self.folder, self.trainer = folder, trainer
        self.iterations, self.trim_db = iterations, trim_db
        self.every = max(trainer.schedule.epochs // TIMES, 1)
        self._file: EventFile | None = None
        shown = one_of_each(
            trainer.training, trainer.validation, MOST_SHOWN, without_labels=SHOWN_WITHOUT_LABELS
        )
        self._clips = np.stack([data.clips[clip] for data, clip in shown])
        self._label_ids = np.array([data.label_ids[clip] for data, clip in shown])
        labels = [trainer.training.labels[i] if i != NO_LABEL else "" for i in self._label_ids]
        self._names = plain_names(labels)
        self._begin(history)

    def after_epoch(self, figures: dict[str, float]) -> None:
        """Write an epoch's figures, and, when it is time, pictures and sounds."""
        if self._file is None:
            return
        try:
            epoch = int(figures["epoch"])
            self._scalars(self._file, figures)
            if epoch % self.every == 0 or epoch in (1, self.trainer.schedule.epochs):
                self._show(self._file, epoch)
            self._file.flush()
        except Exception as error:  # of the disk, as TensorFlow and Python call them
            self._give_up(error)

    def _begin(self, history: list[dict[str, float]]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for former in event_files(self.folder):
                former.unlink()
            if not history:  # another run's
                for former in self.folder.glob(f"{SAMPLES}/epoch-*"):
                    shutil.rmtree(former)
            self._file = EventFile(self.folder)
            for figures in history:
                self._scalars(self._file, figures)
            self._file.flush()
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._file = None
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        print(sentence(f"nothing more to watch in {self.folder}: {reason}"), flush=True)

    @staticmethod
    def _scalars(file: EventFile, figures: dict[str, float]) -> None:
        epoch = int(figures["epoch"])
        for name, value in figures.items():
            if name != "epoch":
                file.scalar(name, value, epoch)

    def _show(self, file: EventFile, epoch: int) -> None:
        coded, sampled, wavs = (part.numpy() for part in self._make())
        folder = self.folder / SAMPLES / f"epoch-{epoch:04}"
        folder.mkdir(parents=True, exist_ok=True)
        shown = zip(self._names, self._clips, coded, sampled, wavs, strict=True)
        for name, *spectrograms, wav in shown:
            pixels = _side_by_side(spectrograms)
            height, width, _ = pixels.shape
            file.image(
                f"recorded, coded and decoded, new/{name}", png(pixels), width, height, epoch
            )
            file.sound(f"new/{name}", wav, epoch)
            (folder / f"{name}.wav").write_bytes(wav)

    @tf.function
    def _make(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Code and decode the clips, and draw as many new ones.

        Gives the spectrograms of both, (clips, frames, bins), and WAV files of the new ones.
        """
        trainer, transform = self.trainer, self.trainer.training.transform
        mu, _ = trainer.vae.encode(tf.constant(self._clips, tf.float32))
        noise = tf.random.stateless_normal(tf.shape(mu), [trainer.schedule.seed, 0])
        z = trainer.prior.mean(tf.constant(self._label_ids, tf.int32)) + noise
        sampled = trainer.vae.decode(z)
        waves = transform.waveform(sampled, self.iterations)
        wavs = wav_files(waves, transform.sample_rate, self.trim_db)
        return trainer.vae.decode(mu), sampled, wavs


def _side_by_side(spectrograms: list[np.ndarray]) -> np.ndarray:
    """Join pictures of spectrograms (frames, bins), with white between them."""
    parts: list[np.ndarray] = []
    for values in spectrograms:
        pixels = coloured(values)
        parts += [pixels, np.full((len(pixels), GAP, 3), 255, np.uint8)]
    return np.concatenate(parts[:-1], axis=1)
