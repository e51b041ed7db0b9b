"""Made-up sounds, one small model trained on them, and a stand-in for TensorFlow Serving."""

import base64
import importlib.util
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import requests
import soundfile
import tensorflow as tf

import train

RATE = 8000  # Hz
Answer = Callable[..., tuple[Any, str]]
Tone = Callable[..., np.ndarray]


def make_tone(
    hertz: float, seconds: float = 0.2, rate: int = RATE, gain: float = 0.5
) -> np.ndarray:
    """Return a decaying tone with a soft start."""
    t = np.arange(round(seconds * rate)) / rate
    attack = np.minimum(1, t / 0.005)
    return (gain * attack * np.exp(-3 * t) * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def write_tones(folder: Path, takes: int = 12) -> Path:
    """Write tones of two labels, `low_3.wav` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for label, hertz in (("low", 300), ("high", 1500)):
        for take in range(takes):
            sound = make_tone(hertz * (1 + 0.02 * take), seconds=0.15 + 0.005 * take)
            soundfile.write(folder / f"{label}_{take}.wav", sound, RATE)
    return folder


@pytest.fixture(scope="session")
def tone() -> Tone:
    return make_tone


@pytest.fixture(scope="session", autouse=True)
def short_epochs() -> Iterator[None]:
    """Let an epoch be one pass however few clips there are: barely trained models are enough."""
    with mock.patch("train.LEAST_STEPS", 1):
        yield


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tones(tmp_path_factory.mktemp("data") / "tones")


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Arguments that make a run take seconds."""
    quick = ["--epochs", "1", "--channels", "16", "--latent-dim", "4", "--batch-size", "4"]
    return [*quick, "--vocoder", "false", "--evaluation-sounds", "0"]


@pytest.fixture(scope="session")
def model_dir(tones: Path, small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One epoch through train.py's own main, on tones of two labels."""
    folder = tmp_path_factory.mktemp("model")
    whole = [*small, "--vocoder", "true"]
    assert train.main(["--data", str(tones), "--model-dir", str(folder), *whole]) == 0
    return folder


@pytest.fixture(scope="session")
def description(model_dir: Path) -> dict[str, Any]:
    return json.loads((model_dir / "model.json").read_text())


@pytest.fixture(scope="session")
def saved_model(model_dir: Path) -> Any:
    return tf.saved_model.load(str(model_dir / "1"))


@pytest.fixture(scope="session")
def samples() -> Callable[[bytes], tuple[np.ndarray, int]]:
    """Decode WAV bytes to (samples,) and Hz, with a decoder that is not the graph's."""

    def read(wav: bytes) -> tuple[np.ndarray, int]:
        sound, rate = soundfile.read(io.BytesIO(wav))
        return sound, rate

    return read


class Serving:
    """Answers as TensorFlow Serving's REST API does, with the real SavedModel."""

    def __init__(self, saved_model: Any) -> None:
        self.signatures = saved_model.signatures

    def post(self, uri: str, json: dict[str, Any], timeout: float) -> Any:
        signature = self.signatures[json["signature_name"]]
        specs = signature.structured_input_signature[1]
        inputs = {
            name: tf.constant(
                base64.b64decode(value["b64"]) if isinstance(value, dict) else value,
                specs[name].dtype,
            )
            for name, value in json["inputs"].items()
        }
        try:
            outputs = signature(**inputs)
        except tf.errors.InvalidArgumentError as error:
            message = error.message
            return SimpleNamespace(status_code=400, json=lambda: {"error": message})
        answer = {name: self.jsonable(name, value.numpy()) for name, value in outputs.items()}
        return SimpleNamespace(status_code=200, json=lambda: {"outputs": answer})

    @staticmethod
    def jsonable(name: str, values: np.ndarray) -> Any:
        if name.endswith("_bytes"):
            return [{"b64": base64.b64encode(value).decode()} for value in values]
        if values.dtype == object:
            return [value.decode() for value in values]
        return values.tolist()


@pytest.fixture
def inference(model_dir: Path, saved_model: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The handler's module as it lies in the model's archive, its model behind `requests.post`."""
    spec = importlib.util.spec_from_file_location(
        "served_inference", model_dir / "code" / "inference.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(requests, "post", Serving(saved_model).post)
    return module


@pytest.fixture
def invoke(inference: ModuleType) -> Answer:
    """Send a body to the handler; objects are sent as JSON."""

    def call(
        body: Any, accept: str | None = None, content_type: str | None = "application/json"
    ) -> tuple[Any, str]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        context = SimpleNamespace(
            rest_uri="http://localhost:8501/v1/models/model:predict",
            accept_header=accept,
            request_content_type=content_type,
        )
        answer, kind = inference.handler(SimpleNamespace(read=lambda: raw), context)
        return (json.loads(answer) if kind == "application/json" else answer), kind

    return call
