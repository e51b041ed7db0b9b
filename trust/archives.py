"""Whatever archive is taken for the served model, it is read or refused, and nothing gets out."""

import gzip
import io
import json
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from trust import ROOT
from trust.promise import Promise

STARTER = ROOT / "infra" / "starter" / "model.tar.gz"
SECRET = b"a file of the machine"
Craft = Callable[[Path], bytes]  # given a folder that the archive would like to write to


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Pack members, whatever they say of themselves."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def member(name: str, content: bytes = b"{}", **said: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Make a member, of which some fields say something else."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in said.items():
        setattr(info, field, value)
    return info, content if info.isreg() else b""


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    """Make a link."""
    return member(name, b"", type=kind, linkname=to)


def described(**other: Any) -> bytes:
    """Pack a model.json that is the starter's but for some values."""
    with tarfile.open(STARTER) as tar:
        file = tar.extractfile("model.json")
        assert file is not None
        content = json.load(file) | other
    return packed(member("model.json", json.dumps(content).encode()))


def with_weights(write: Callable[[Any, Path], None]) -> Craft:
    """Pack the starter's model.json with an HDF5 file that `write` fills."""

    def craft(outside: Path) -> bytes:
        import h5py  # type: ignore[import-untyped]

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "weights"
            with h5py.File(file, "w") as content:
                write(content, outside / "secret")
            weights = file.read_bytes()
        with tarfile.open(STARTER) as tar:
            model = tar.extractfile("model.json")
            assert model is not None
            text = model.read()
        return packed(member("model.json", text), member("vae.weights.h5", weights))

    return craft


def _external(content: Any, secret: Path) -> None:
    content.create_dataset("a", (1,), "u1", external=[(str(secret), 0, 21)])


def _linked(content: Any, secret: Path) -> None:
    import h5py

    content["a"] = h5py.ExternalLink(str(secret), "/")


def _looped(content: Any, _: Path) -> None:
    content["a"] = content["/"]


CRAFTED: dict[str, Craft] = {
    "a path upwards": lambda _: packed(member("../escaped"), member("model.json")),
    "a path upwards from a folder": lambda _: packed(member("1/../../escaped")),
    "an absolute path": lambda out: packed(member(str(out / "escaped"))),
    "a link out and a file through it": lambda out: packed(
        link("1", str(out)), member("1/escaped")
    ),
    "a relative link out and a file through it": lambda out: packed(
        link("1", f"../{out.name}"), member("1/escaped")
    ),
    "a link to a link out": lambda out: packed(
        link("a", "b"), link("b", str(out)), member("a/escaped")
    ),
    "a long chain of links": lambda out: packed(
        *[link(f"{'d' * 200}{i}", f"{'d' * 200}{i + 1}") for i in range(40)],
        link(f"{'d' * 200}40", str(out)),
        member(f"{'d' * 200}0/escaped"),
    ),
    "a model.json that is a link to a secret": lambda out: packed(
        link("model.json", str(out / "secret"))
    ),
    "a hard link to a secret": lambda out: packed(
        link("model.json", str(out / "secret"), tarfile.LNKTYPE)
    ),
    "a hard link that is then written to": lambda out: packed(
        link("x", str(out / "secret"), tarfile.LNKTYPE), member("x", b"overwritten")
    ),
    "a device": lambda _: packed(member("model.json", b"", type=tarfile.CHRTYPE, devmajor=1)),
    "a pipe": lambda _: packed(member("model.json", b"", type=tarfile.FIFOTYPE)),
    "a file of more bytes than there is disk": lambda _: _header_alone("1/big", 2**50),
    "very many files": lambda _: packed(*[member(f"{i}", b"") for i in range(10_001)]),
    "a file that unpacks to more than it is": lambda _: gzip.compress(bytes(2**26)),
    "a negative size": lambda _: _header_alone("model.json", -512),
    "no archive": lambda _: b"this is no archive",
    "nothing": lambda _: b"",
    "an archive of nothing": lambda _: packed(),
    "half an archive": lambda _: STARTER.read_bytes()[:100_000],
    "an archive with a wrong byte": lambda _: _flipped(STARTER.read_bytes(), 50_000),
    "a zip file": lambda _: b"PK\3\4" + bytes(1000),
    "a folder in the place of model.json": lambda _: packed(
        member("model.json", b"", type=tarfile.DIRTYPE)
    ),
    "model.json that is no JSON": lambda _: packed(member("model.json", b"\xff\xfe")),
    "model.json that is nested deeply": lambda _: packed(member("model.json", b"[" * 100_000)),
    "model.json that is a list": lambda _: packed(member("model.json", b"[1, 2]")),
    "model.json of another preset": lambda _: described(architecture={"preset": "../x"}),
    "labels that are none": lambda _: described(labels=[1, None]),
    "a temperature that is no number": lambda _: described(temperature=float("nan")),
    "weights that lie in another file": with_weights(_external),
    "weights that are a link to another file": with_weights(_linked),
    "weights that hold themselves": with_weights(_looped),
    "no weights": lambda _: described(),
}


def _header_alone(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def load(craft: Craft) -> str:
    """Load what was crafted, up to its weights; give the sentence that refuses it."""
    from sound_vae.serving.served_model import ModelError, ServedModel

    with tempfile.TemporaryDirectory() as sandbox:
        outside, temporary = Path(sandbox) / "outside", Path(sandbox) / "temporary"
        outside.mkdir()
        temporary.mkdir()
        (outside / "secret").write_bytes(SECRET)
        archive = Path(sandbox) / "model.tar.gz"
        archive.write_bytes(craft(outside))
        before = sorted(_all(Path(sandbox)))
        with mock.patch("tempfile.tempdir", str(temporary)):
            try:
                model = ServedModel.load(archive)
                assert model.vae
            except ModelError as error:
                sentence = str(error)
            else:
                raise AssertionError("it was taken for a model")
            model = None  # type: ignore[assignment]  # and its folder with it
        assert sorted(_all(Path(sandbox))) == before
        assert (outside / "secret").read_bytes() == SECRET
    assert SECRET.decode() not in sentence
    assert " " in sentence
    assert len(sentence) < 500, sentence
    assert "\n" not in sentence, sentence
    return sentence


def _all(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        yield f"{path.relative_to(folder)} {path.is_symlink()} {path.lstat().st_nlink}"


def _check(attempts: int) -> str:
    refused: Counter[str] = Counter()
    for name, craft in list(CRAFTED.items())[: max(attempts, 1)]:
        try:
            refused[load(craft)] += 1
        except Exception as error:
            raise AssertionError(f"{name}: {error!r}") from error
    return f"{refused.total()} of {refused.total()} refused"


PROMISES = [
    Promise(
        "An archive that is no model is refused in a sentence; nothing is written or read beyond.",
        "Crafted archives: paths and links that lead out, devices, bombs, damage, descriptions "
        "and weights that are wrong or lie elsewhere",
        len(CRAFTED),
        _check,
    )
]
