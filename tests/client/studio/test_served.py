"""What is known of the served model, and that its archive is read once."""

from pathlib import Path
from typing import Any

import pytest

from client.failure import Failure
from client.studio import served
from client.studio.served import ServedModels
from tests.client.fake_endpoint import FakeStack
from tests.client.studio.archives import MAP, MODEL, archive, model_archive
from tests.client.studio.conftest import BUCKET, MODEL_KEY, PARAMETER


class Counted:
    """S3 that counts how often an archive is fetched."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.fetched = s3, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.s3, name)

    def get_object(self, **given: Any) -> Any:
        self.fetched += 1
        return self.s3.get_object(**given)


@pytest.fixture
def s3_counted(stack: FakeStack) -> Counted:
    outputs: Any = stack.outputs
    outputs["s3"] = Counted(outputs["s3"])
    counted: Counted = outputs["s3"]
    return counted


def test_an_archive_is_read_once_and_again_when_it_is_another(
    stack: FakeStack, s3_counted: Counted, tmp_path: Path
) -> None:
    models = ServedModels(stack, tmp_path)
    assert models.now().sounds is not None
    assert models.now() is models.now()
    later = ServedModels(stack, tmp_path).now()  # the next time that the studio is opened
    assert (later.labels, s3_counted.fetched) == (MODEL["labels"], 1)
    assert later.sounds == models.now().sounds
    changed = model_archive(**{"map.json": {**MAP, "points": MAP["points"][:3]}})
    s3_counted.s3.put_object(Bucket=BUCKET, Key=MODEL_KEY, Body=changed)
    sounds = models.now().sounds
    assert sounds is not None
    assert (len(sounds.points), s3_counted.fetched) == (3, 2)


def test_only_the_newest_models_are_kept(
    stack: FakeStack, s3_counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "KEPT", 2)
    for number in range(4):
        content = model_archive(number=str(number).encode())
        s3_counted.s3.put_object(Bucket=BUCKET, Key=MODEL_KEY, Body=content)
        ServedModels(stack, tmp_path).now()
    assert len(list(tmp_path.iterdir())) == 2
    ServedModels(stack, tmp_path).now()
    assert s3_counted.fetched == 4, "the newest is among them"


def test_without_a_cache_folder_it_is_read_each_time(
    stack: FakeStack, s3_counted: Counted, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for _ in range(2):
        assert ServedModels(stack, tmp_path / "file" / "cache").now().labels == MODEL["labels"]
    assert s3_counted.fetched == 2


def test_an_archive_of_another_program_is_a_sentence_and_read_again_the_next_time(
    stack: FakeStack, s3_counted: Counted, tmp_path: Path
) -> None:
    models = ServedModels(stack, tmp_path)
    for content in (b"no archive", archive({"model.json": {"labels": 3}}), archive({})):
        s3_counted.s3.put_object(Bucket=BUCKET, Key=MODEL_KEY, Body=content)
        said = models.now()
        assert said.labels is None
        assert said.no_map.endswith((".", "here."))
    s3_counted.s3.put_object(Bucket=BUCKET, Key=MODEL_KEY, Body=model_archive())
    assert models.now().labels == MODEL["labels"]


def test_a_model_that_is_gone_is_one_sentence(stack: FakeStack, tmp_path: Path) -> None:
    stack.client("s3").delete_object(Bucket=BUCKET, Key=MODEL_KEY)
    with pytest.raises(Failure, match="AWS refused HeadObject: 404"):
        ServedModels(stack, tmp_path).now()
    stack.client("ssm").put_parameter(
        Name=PARAMETER, Value="nowhere", Type="String", Overwrite=True
    )
    with pytest.raises(Failure, match="names nowhere as the served model, which is no address in"):
        ServedModels(stack, tmp_path).now()


def test_a_morph_has_fewer_steps_where_sounds_are_long() -> None:
    for samples, least, most in ((6144, 17, 17), (180_000, 4, 8), (10_000_000, 2, 2)):
        said = served.described(
            {"model.json": str({**MODEL, "clip_samples": samples}).replace("'", '"').encode()}
        )
        assert least <= said["morph_steps"] <= most
