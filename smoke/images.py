"""Whether the stack's images exist in their registries, which are other accounts'."""

import json
import re
from pathlib import Path

from smoke.account import Account
from smoke.answers import Found

IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.]+/"
    r"(?P<repository>[a-z0-9._/-]+):(?P<tag>[A-Za-z0-9._-]+)"
)
MANIFESTS = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]


def images_in(assembly: Path) -> list[str]:
    """List the images that the templates of a cloud assembly name."""
    text = "".join(file.read_text() for file in assembly.glob("*.template.json"))
    return sorted({match[0] for match in IMAGE.finditer(json.dumps(text))})


def exist(account: Account, assembly: Path) -> Found:
    """Ask for the manifest of each."""
    missing, there = [], []
    for uri in images_in(assembly):
        match = IMAGE.fullmatch(uri)
        if match is None:
            raise ValueError(f"{uri} is no image")
        answer = account.client("ecr").batch_get_image(
            registryId=match["account"],
            repositoryName=match["repository"],
            imageIds=[{"imageTag": match["tag"]}],
            acceptedMediaTypes=MANIFESTS,
        )
        name = f"{match['repository']}:{match['tag']}"
        if answer["images"]:
            there.append(name)
        else:
            reasons = ", ".join(one.get("failureReason", "") for one in answer["failures"])
            missing.append(f"{name} is missing ({reasons})")
    return Found(bool(there) and not missing, "; ".join([*missing, *there]) or "there are none")
