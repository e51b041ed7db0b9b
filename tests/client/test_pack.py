import json
import re
import wave
from pathlib import Path

import pytest

from client import pack
from client.failure import Failure
from tests.client.fake_endpoint import Runtime, serving

LABELS = ["kick", "snare"]


def make(folder: Path, runtime: Runtime, labels: list[str] | None = None, **more: object) -> int:
    chosen: dict[str, object] = {"count": 20, "seed": 3, "temperature": None, "model": "s3://b/m"}
    return sum(pack.make(serving(runtime), folder, labels or LABELS, **(chosen | more)))  # type: ignore[arg-type]


def test_a_pack_holds_each_sound_an_instrument_and_the_seeds(tmp_path: Path) -> None:
    assert make(tmp_path / "kit", Runtime()) == 40
    for label in LABELS:
        assert len(list((tmp_path / "kit" / label).glob("*.wav"))) == 20
    with wave.open(str(tmp_path / "kit/snare/019.wav")) as sound:
        assert sound.readframes(1) == (3 + 19).to_bytes(2, "little"), "the sound of its seed"
    instrument = (tmp_path / "kit/pack.sfz").read_text()
    assert "<group> key=37 seq_length=20" in instrument
    named = re.findall(r"sample=(\S+)", instrument)
    assert len(named) == 40
    assert all((tmp_path / "kit" / name).exists() for name in named)
    assert json.loads((tmp_path / "kit/pack.json").read_text())["seed"] == 3


def test_only_what_is_missing_is_made_again(tmp_path: Path) -> None:
    make(tmp_path, Runtime())
    lost = tmp_path / "kick/018.wav"
    before = lost.read_bytes()
    lost.unlink()
    runtime = Runtime()
    assert make(tmp_path, runtime) == 40
    assert lost.read_bytes() == before
    assert sum(r["count"] for r in runtime.requests) == 1


def test_another_packs_folder_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path, Runtime())
    with pytest.raises(Failure, match="holds another pack: choose a new folder with -o"):
        make(tmp_path, Runtime(), model="s3://b/other")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/song.wav").touch()
    with pytest.raises(Failure, match="holds other files"):
        make(tmp_path / "mine", Runtime())


def test_labels_without_a_key_are_left_out_of_the_instrument() -> None:
    instrument = pack.sfz([f"label {n}" for n in range(100)], 1)
    assert "key=127" in instrument
    assert "key=128" not in instrument
    assert "there are no keys for the other labels" in instrument


def test_labels_that_are_no_file_names_get_folders_of_their_own(tmp_path: Path) -> None:
    names = pack.folder_names(["a/b", "a-b", "A:B", "..", "hi hat"])
    assert list(names.values()) == ["a-b", "a-b-2", "A-B-3", "unnamed", "hi hat"]
