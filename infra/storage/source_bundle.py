"""The training source as one archive, the same bytes for the same files.

With the network isolated nothing can be installed or fetched: the archive then has no
requirements.txt, which the toolkit would want to install, and comes to the job as a channel.
"""

import gzip
import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.storage.delivery import Delivery
from infra.storage.folders import CODE

NAME = "sourcedir.tar.gz"
CHANNEL = "code"  # by which it reaches a job without network
_INSTALLED = "requirements.txt"


def files_of(folder: Path, *, isolated: bool = False) -> list[Path]:
    """List what belongs to the source, sorted: everything but caches and hidden files."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not (isolated and path == folder / _INSTALLED)
        and not any(
            part == "__pycache__" or part.startswith(".") for part in path.relative_to(folder).parts
        )
        and path.suffix != ".pyc"
    ]


def content_hash(folder: Path, *, isolated: bool = False) -> str:
    """Hash names and contents, and nothing else, to sixteen hex digits."""
    digest = hashlib.sha256()
    for path in files_of(folder, isolated=isolated):
        name, content = path.relative_to(folder).as_posix().encode(), path.read_bytes()
        digest.update(b"%d %d " % (len(name), len(content)) + name + content)
    return digest.hexdigest()[:16]


def pack(folder: Path, *, isolated: bool = False) -> bytes:
    """Pack `folder` without owners, times and leading `./`, as the toolkit unpacks it."""
    packed = io.BytesIO()
    # an empty file name and a zero time: gzip would write both into its header
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in files_of(folder, isolated=isolated):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size = path.stat().st_size
            entry.mode = 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return packed.getvalue()


class SourceBundle(Delivery):
    """The archive in the bucket, in a folder of its own, and where a job finds it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        training: Path,
        bucket: s3.IBucket,
        isolated: bool,
    ) -> None:
        name = content_hash(training, isolated=isolated)
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, NAME)
            archive.write_bytes(pack(training, isolated=isolated))
            super().__init__(  # takes its copy at once
                scope,
                construct_id,
                path=str(archive),
                content_hash=name,
                bucket=bucket,
                key=f"{CODE}{name}/{NAME}",
            )
        self.folder_url = self.url.removesuffix(NAME)
        """What the channel CHANNEL of an isolated job is fed from."""
        self.submit_directory = f"/opt/ml/input/data/{CHANNEL}/{NAME}" if isolated else self.url
        """The hyperparameter sagemaker_submit_directory."""
