"""Archives as SageMaker takes them: source bundles and models."""

import io
import tarfile

BUCKET = "sagemaker-tests"
"""Where the tests of this folder keep them."""


def archive(files: dict[str, bytes]) -> bytes:
    """Return a .tar.gz of these files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return content.getvalue()
