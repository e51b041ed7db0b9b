"""What the studio's server answers."""

import base64
import io
import json
import wave
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import requests

from client.endpoint import PER_REQUEST
from client.studio import application
from tests.client.fake_endpoint import Runtime, wav
from tests.client.studio.archives import MAP, MODEL, model_archive
from tests.client.studio.conftest import MODEL_KEY, Studio
from tests.client.studio.fake_run import JOB, Executions

SECONDS = 10


def get(studio: Studio, path: str) -> Any:
    answer = requests.get(f"{studio.url}api/{path}", timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(studio: Studio, wish: Any, path: str = "sounds") -> requests.Response:
    return requests.post(f"{studio.url}api/{path}", json=wish, timeout=SECONDS)


def sounds(studio: Studio, **wish: Any) -> list[dict[str, Any]]:
    answer = post(studio, wish)
    assert answer.status_code == 200, answer.text
    made: list[dict[str, Any]] = answer.json()["sounds"]
    for one in made:
        with wave.open(io.BytesIO(base64.b64decode(one["wav"]))) as sound:
            assert sound.getframerate() == 8000
    return made


def refusal(studio: Studio, wish: Any, status: int = 400, path: str = "sounds") -> str:
    answer = post(studio, wish, path)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    return str(answer.json()["error"])


def test_sounds_of_a_label_come_with_their_seeds(studio: Studio) -> None:
    made = sounds(studio, label="snare", count=20, seed=7, temperature=0.5)
    assert [(one["label"], one["seed"]) for one in made] == [("snare", 7 + n) for n in range(20)]
    assert all(one["z"] for one in made)
    assert max(asked["count"] for asked in studio.runtime.requests) <= PER_REQUEST
    assert all(asked["temperature"] == 0.5 for asked in studio.runtime.requests)


def test_a_wish_for_nothing_is_one_sound_of_any_label(studio: Studio) -> None:
    assert len(sounds(studio)) == 1
    assert "label" not in studio.runtime.requests[0]


def test_a_morph_and_variations_and_latents_are_asked_for_as_the_endpoint_wants(
    studio: Studio,
) -> None:
    morph = sounds(studio, **{"from": "hat", "to": "kick", "steps": 5, "seed": 3})
    assert [one["position"] for one in morph] == [0, 0.25, 0.5, 0.75, 1]
    recording = base64.b64encode(wav()).decode()
    assert len(sounds(studio, audio=recording, name="a.wav", count=3, seed=1)) == 3
    assert len(sounds(studio, z=[[0.5, 1.0], [0.0, 0.0]])) == 2
    assert studio.runtime.requests == [
        {"from": "hat", "to": "kick", "steps": 5, "seed": 3},
        {"audio": recording, "count": 3, "seed": 1},
        {"z": [[0.5, 1.0], [0.0, 0.0]]},
    ]


def test_a_place_on_the_map_is_a_sound(studio: Studio) -> None:
    point = MAP["points"][8]
    [made] = sounds(studio, at=[point["x"], point["y"]])
    assert studio.runtime.requests == [{"z": [point["z"]]}]
    assert (made["near"], made["near_label"]) == (point["name"], "kick")


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"label": "cowbell"}, 'label is "cowbell": it must be one of "kick", "snare"'),
        ({"count": "four"}, "count must be a whole number from 1 to 64."),
        ({"count": 65}, "count must be a whole number from 1 to 64."),
        ({"seed": -1}, "seed must be a whole number from 0 to "),
        ({"loudness": 3}, "Field 'loudness' is not possible here: count, label, seed"),
        ({"at": [1]}, "at must be a list of two numbers"),
        ({"at": [1, None]}, "at must hold two finite numbers"),
        ({"audio": "no base64!"}, "audio must be the base64 of a WAV file."),
        ({"audio": 7}, "audio must be the base64 of a WAV file."),
        (
            {"audio": "A" * 4_000_000, "name": "long.wav"},
            "long.wav has more than 3.0 MB, the most that",
        ),
        ([], 'The body must be a JSON object, such as {"count": 1}.'),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_wish_is_one_sentence(studio: Studio, wish: Any, sentence: str) -> None:
    assert refusal(studio, wish).startswith(sentence)


def test_a_body_that_is_no_json_or_too_large_is_one_sentence(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Content-Type": "application/json"}
    address = f"{studio.url}api/sounds"
    answer = requests.post(address, data=b"\xff{", headers=headers, timeout=SECONDS)
    assert answer.status_code == 400
    assert "must be a JSON object" in answer.json()["error"]
    monkeypatch.setattr(application, "MOST_BODY", 1_000_000)
    assert refusal(studio, {"name": "x" * 1_000_000}) == "A request has at most 1 MB."


class Failing(Runtime):
    def invoke_endpoint(self, **given: Any) -> dict[str, Any]:
        raise RuntimeError("nobody thought of this")


def test_an_endpoint_that_fails_is_one_sentence(start: Callable[..., Studio]) -> None:
    studio = start()
    outputs: Any = studio.stack.outputs
    outputs["sagemaker-runtime"] = Failing()
    said = refusal(studio, {}, 503)
    assert said == "The studio cannot go on with this: RuntimeError: nobody thought of this"
    assert "Traceback" not in said


@pytest.mark.parametrize("path", ["api/nothing", "nothing.js", "../pyproject.toml", "api/sounds"])
def test_what_is_not_there_is_one_sentence(studio: Studio, path: str) -> None:
    answer = requests.get(studio.url + path, timeout=SECONDS)
    assert answer.status_code in (404, 405)
    assert "is nothing that the studio knows" in answer.json()["error"]


def test_the_page_is_told_what_is_served_and_the_map_without_latent_vectors(studio: Studio) -> None:
    said = get(studio, "model")
    assert said["labels"] == MODEL["labels"]
    assert (said["sample_rate"], said["temperature"], said["morph_steps"]) == (8000, 0.9, 17)
    assert (said["stage"], said["where"]) == ("sound-vae", "this machine")
    first = MAP["points"][0]
    assert said["map"]["points"][0] == [first["x"], first["y"], 0, "hat/0.wav"]
    assert get(studio, "version") == {"url": said["url"], "version": said["version"]}


def test_a_model_without_a_map_says_so_in_place_of_it(studio: Studio) -> None:
    studio.put(MODEL_KEY, model_archive())
    said = get(studio, "model")
    assert said["map"] is None
    assert said["no_map"].startswith("The served model's archive holds no map.json")
    assert refusal(studio, {"at": [0, 0]}) == said["no_map"]
    assert len(sounds(studio, label="kick")) == 1, "the rest works"


def test_favourites_become_a_zip_file_with_what_makes_them_again(studio: Studio) -> None:
    sound = base64.b64encode(wav()).decode()
    kept = [
        {"id": "1", "title": "kick · seed 4", "wav": sound, "label": "kick", "seed": 4, "z": [0.5]},
        {"id": "2", "title": "../../etc/passwd", "wav": sound, "z": [1.5]},
        {"id": "3", "title": "kick · seed 4", "wav": sound, "z": [0.5]},
    ]
    answer = post(studio, {"model": "s3://b/m", "sounds": kept}, "favourites")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as made:
        table = json.loads(made.read("favourites.json"))
        files = [entry["file"] for entry in table["sounds"]]
        assert len(set(files)) == 3
        assert not any("/" in name or "\\" in name for name in made.namelist())
        assert all(made.read(name) == wav() for name in files)
        assert table["model"] == "s3://b/m"
        assert table["sounds"][0] == {"file": files[0], "label": "kick", "seed": 4, "z": [0.5]}
        assert (
            f"<region> key=37 loop_mode=one_shot sample={files[1]}"
            in made.read("favourites.sfz").decode()
        )


@pytest.mark.parametrize(
    "kept", [None, [], ["a"], [{"title": "a"}], [{"wav": "AAAA"}], [{"wav": 5}]], ids=str
)
def test_favourites_that_are_none_are_one_sentence(studio: Studio, kept: Any) -> None:
    assert refusal(studio, {"sounds": kept}, path="favourites").endswith(".")


def test_a_run_is_told_with_its_epochs_and_its_sounds_to_hear(
    start: Callable[..., Studio],
) -> None:
    studio = start(Executions("run-7"))
    assert [run["name"] for run in get(studio, "runs")["runs"]] == ["run-7"]
    studio.log.lines[JOB] += ["hello", "figures: epoch=1 train_loss=2 val_loss=-1.5"]
    folder = f"output/{JOB}/tensorboard-output/samples"
    studio.put(f"{folder}/epoch-0010/hi hat.wav", wav())
    studio.put(f"{folder}/epoch-0010/notes.txt", b"no sound")
    said = get(studio, "runs/run-7")
    assert (said["status"], said["state"], said["job"], said["of"]) == ("RUNNING", "Train", JOB, 5)
    assert said["epochs"] == [{"epoch": 1, "train_loss": 2, "val_loss": -1.5}]
    assert said["samples"] == [{"epoch": 10, "name": "hi hat"}]
    answer = requests.get(
        f"{studio.url}api/runs/run-7/sample?epoch=10&name=hi hat", timeout=SECONDS
    )
    assert answer.content == wav()


@pytest.mark.parametrize(
    "path",
    [
        "runs/other",
        "runs/run-7/sample?epoch=10&name=../../models/x",
        "runs/run-7/sample?epoch=x&name=a",
    ],
)
def test_runs_and_sounds_that_are_not_there_are_one_sentence(
    start: Callable[..., Studio], path: str
) -> None:
    studio = start(Executions("run-7"))
    answer = requests.get(f"{studio.url}api/{path}", timeout=SECONDS)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
