import gzip
import io
import tarfile

import pytest

from client.failure import Failure
from client.studio import archive
from tests.client.studio.archives import MAP, model_archive
from tests.client.studio.archives import archive as packed


def read(content: bytes) -> dict[str, bytes]:
    return archive.read(io.BytesIO(content))


def test_only_the_two_files_are_read_wherever_they_lie() -> None:
    content = model_archive(**{"code/inference.py": b"code", "map.json": MAP, "last": b"x"})
    assert set(read(content)) == {"model.json", "map.json"}
    assert read(packed({"./model.json": b"{}"})) == {"model.json": b"{}"}
    assert read(packed({"1/model.json": b"{}"})) == {}


def test_a_link_is_not_followed() -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as made:
        member = tarfile.TarInfo("model.json")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(member)
    with pytest.raises(Failure, match=r"model\.json in the model's archive is no regular file"):
        read(target.getvalue())


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(archive.MOST_READ, "map.json", 1_000_000)
    with pytest.raises(Failure, match=r"map\.json in the model's archive is larger than 1 MB"):
        read(model_archive(**{"map.json": b" " * 1_000_001}))


def test_a_small_archive_that_unpacks_to_very_much_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "MOST_UNPACKED", 3_000_000)
    content = packed({"weights": bytes(20_000_000), "model.json": b"{}"})
    assert len(content) < 100_000
    with pytest.raises(Failure, match="unpacks to more than 3 MB"):
        read(content)


def test_an_archive_of_very_many_files_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 10)
    with pytest.raises(Failure, match="holds more than 10 files"):
        read(packed({f"{n}": b"" for n in range(11)}))


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no archive"), model_archive()[:200]],
    ids=["empty", "text", "no tar", "cut off"],
)
def test_what_is_no_archive_is_one_sentence(content: bytes) -> None:
    with pytest.raises(Failure, match=r"^The model's archive cannot be read: "):
        read(content)
