from pathlib import Path

import pytest

from client import cdk
from client.failure import Failure
from client.stack import Connection

NOTES_ITS_ASSEMBLY = '#!/bin/sh\nwhile [ "$1" != --output ]; do shift; done\necho "$2" >> {notes}\n'


def cdk_that(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = folder / "cdk"
    command.write_text(does)
    command.chmod(0o755)
    monkeypatch.setattr(cdk, "COMMAND", command)


def test_each_command_has_a_cloud_assembly_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    cdk_that(NOTES_ITS_ASSEMBLY.format(notes=notes), tmp_path, monkeypatch)
    cdk.deploy(Connection(region="eu-central-1"), [])
    cdk.destroy(Connection(region="eu-central-1"), [])
    first, second = (Path(line) for line in notes.read_text().splitlines())
    assert first != second
    assert not first.exists()
    assert not second.exists()


def test_what_the_cdk_says_when_it_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk_that("#!/bin/sh\necho no such region\nexit 1\n", tmp_path, monkeypatch)
    with pytest.raises(Failure, match="cdk deploy failed:\nno such region"):
        cdk.deploy(Connection(region="eu-central-1"), [])
