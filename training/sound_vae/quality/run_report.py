"""What came out of a run, to look at and to listen to: report.html, report.json, samples/.

The page holds everything in itself, so that it can be sent to somebody.
"""

import base64
import html
import json
import re
from pathlib import Path

import tensorflow as tf

from sound_vae.model.spectrogram import Transform
from sound_vae.serving.served_model import ServedModel

MOST_LABELS = 40  # that get a sound of their own
LONGEST_NAME = 100  # characters of a label in a file's name; file systems take 255 bytes
WIDTH, HEIGHT = 640, 240  # of the curve, in pixels
CURVES = {"train_loss": "#999", "val_loss": "#06c"}
STYLE = "body{font:16px sans-serif;max-width:50em;margin:2em auto}td{padding:.2em 1em .2em 0}"


def write_run_report(
    folder: Path, model: ServedModel, history: list[dict[str, float]], metrics: dict[str, float]
) -> None:
    """Write the files into `folder`, with a sound of each label as callers would get it."""
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    transform = model.transform
    labels = model.labels[:MOST_LABELS] or [""]
    wavs = model.sample(labels, range(len(labels))).wavs
    sounds = []
    for i, (label, wav) in enumerate(zip(labels, wavs, strict=True)):
        plain = re.sub(r"[^A-Za-z0-9-]+", "_", label)[:LONGEST_NAME] or "any"
        name = f"{i:02}_{plain}.wav"
        (folder / "samples" / name).write_bytes(wav)
        sounds.append(
            f"<tr><td>{html.escape(label or 'any')}<td><img alt='spectrogram' "
            f"src='data:image/png;base64,{_b64(picture(wav, transform))}'><td><audio controls "
            f"src='data:audio/wav;base64,{_b64(wav)}'></audio>"
        )
    rows = [f"<tr><td>{name}<td>{value:.4g}" for name, value in metrics.items()]
    kind = f"{transform.sample_rate} Hz, {transform.seconds:.2f} s a sound, {len(history)} epochs"
    page = (
        f"<!doctype html><meta charset=utf-8><title>Training report</title><style>{STYLE}</style>"
        f"<h1>Training report</h1><p>{kind}</p>"
        f"<h2>Figures</h2><table>{''.join(rows)}</table>"
        f"<h2>Loss</h2><p>On the clips trained on (grey) and held back (blue).</p>{curve(history)}"
        f"<h2>Sounds</h2><table>{''.join(sounds)}</table>\n"
    )
    (folder / "report.html").write_text(page, encoding="utf-8")
    content = {"metrics": metrics, "history": history, "labels": model.labels}
    (folder / "report.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def picture(wav: bytes, transform: Transform) -> bytes:
    """Draw a WAV file's spectrogram as a PNG: time to the right, pitch upwards, loud is dark."""
    wave = tf.audio.decode_wav(wav, 1).audio[:, 0]
    values = tf.reverse(tf.transpose(transform.spectrogram(wave[None])[0]), [0])
    return tf.io.encode_png(tf.cast(255 * (1 - values[..., None]), tf.uint8)).numpy()


def curve(history: list[dict[str, float]]) -> str:
    """Draw the losses over the epochs as SVG."""
    losses = [figures[name] for figures in history for name in CURVES]
    low, high = min(losses, default=0.0), max(losses, default=1.0)
    across, up = WIDTH / max(len(history) - 1, 1), HEIGHT / max(high - low, 1e-9)
    lines = []
    for name, colour in CURVES.items():
        points = " ".join(
            f"{i * across:.1f},{(high - figures[name]) * up:.1f}"
            for i, figures in enumerate(history)
        )
        lines.append(
            f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'/>"
        )
    return (
        f"<svg width='{WIDTH}' height='{HEIGHT}' style='border:1px solid #ccc'>{''.join(lines)}"
        f"</svg><p>From {high:.4g} to {low:.4g} nats per value.</p>"
    )


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
