"""What a job installs is pinned and hashed, so that pip checks every file before it runs."""

import re
from pathlib import Path

import train

HERE = Path(train.__file__).parent
IMAGE = HERE.parent / "local" / "training-image.txt"
NAME = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def names(text: str) -> set[str]:
    return {name.lower().replace("_", "-") for name in NAME.findall(text)}


def test_every_package_is_pinned_and_hashed() -> None:
    text = (HERE / "requirements.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 10
    for line in lines:  # pip asks for hashes of all as soon as it sees one
        assert re.match(r"[a-z0-9-]+==[0-9.]+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line


def test_what_is_asked_for_is_in_the_lock_in_the_same_version() -> None:
    lock = (HERE / "requirements.txt").read_text()
    for line in (HERE / "requirements.in").read_text().splitlines():
        if not line.startswith("#"):
            assert f"\n{line} " in lock


def test_what_the_training_image_holds_is_left_as_it_is() -> None:
    assert not names((HERE / "requirements.txt").read_text()) & names(IMAGE.read_text())
