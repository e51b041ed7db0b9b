"""TensorBoard's event files, written with TensorFlow alone.

`tf.summary.scalar` and its like ask for the package of TensorBoard, which no training image is
promised to hold; `tf.summary.write`, which they end in, does not. The formats are those of
TensorBoard's plugins (tensorboard/plugins/*/summary_v2.py and metadata.py, version 2.20).
"""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework import summary_pb2

SUFFIX = ".sound-vae"  # tells our files from others in the folder
WAV = (
    b"\x10\x0b"  # AudioPluginData(encoding=WAV); what the other plugins say of themselves is empty
)


class EventFile:
    """Scalars, images and sounds, each of one step; on the disk when `flush` returns.

    Whatever goes wrong with the disk raises one of TensorFlow's errors.
    """

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder), filename_suffix=SUFFIX)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Add a point of a curve."""
        self._write(
            tag, tf.constant(value, tf.float32), step, "scalars", summary_pb2.DATA_CLASS_SCALAR
        )

    def image(self, tag: str, png: bytes, width: int, height: int, step: int) -> None:
        """Add a picture, whose size is in pixels."""
        content = tf.constant([str(width).encode(), str(height).encode(), png])
        self._write(tag, content, step, "images", summary_pb2.DATA_CLASS_BLOB_SEQUENCE)

    def sound(self, tag: str, wav: bytes, step: int) -> None:
        """Add a sound to play; the second column is a caption, which TensorBoard leaves out."""
        content = tf.constant([[wav, b""]])
        self._write(tag, content, step, "audio", summary_pb2.DATA_CLASS_BLOB_SEQUENCE, WAV)

    def flush(self) -> None:
        """Let it be seen."""
        self._writer.flush()

    def _write(
        self, tag: str, tensor: tf.Tensor, step: int, plugin: str, kind: int, about: bytes = b""
    ) -> None:
        metadata = summary_pb2.SummaryMetadata(
            plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name=plugin, content=about),
            data_class=kind,
        )
        with self._writer.as_default():
            tf.summary.write(tag, tensor, step=step, metadata=metadata)


def event_files(folder: Path) -> list[Path]:
    """Find the files that were written into this folder, those of other programs left out."""
    return sorted(folder.glob(f"events.out.tfevents.*{SUFFIX}"))
