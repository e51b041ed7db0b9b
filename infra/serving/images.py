"""The managed container images that train and serve, looked up without asking AWS."""

import functools
import json
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from aws_cdk.region_info import RegionInfo

from infra.settings import Settings, SettingsError

TRAINING_TENSORFLOW = "2.21"
SERVING_TENSORFLOW = "2.20"  # reads what 2.21 wrote; the newest that serves


@dataclass(frozen=True, kw_only=True)
class Images:
    """Image URIs, `<account>.dkr.ecr.<region>.<domain>/<repository>:<tag>`."""

    training_gpu: str
    training_cpu: str
    serving: str

    @classmethod
    def of(cls, region: str, settings: Settings) -> "Images":
        """Find the images for `region`, or take those that the settings name instead.

        Raises:
            SettingsError: SageMaker has no such image in this region.

        """
        training, serving = settings.training_image, settings.serving_image
        return cls(
            training_gpu=training or _managed(region, "training", TRAINING_TENSORFLOW, "gpu"),
            training_cpu=training or _managed(region, "training", TRAINING_TENSORFLOW, "cpu"),
            serving=serving or _managed(region, "inference", SERVING_TENSORFLOW, "cpu"),
        )

    @staticmethod
    def repositories(*uris: str) -> list[tuple[str, str, str]]:
        """List (account, region, repository) of these images, each once."""
        return sorted({_parts(uri) for uri in uris})


@functools.cache
def _config() -> dict[str, Any]:
    """Read what SageMaker's SDK knows of TensorFlow's images."""
    # without its `core`, whose import takes as long as all else that makes a template
    file = files("sagemaker").joinpath("core/image_uri_config/tensorflow.json")
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return config


def _managed(region: str, scope: str, version: str, processor: str) -> str:
    """Put together what the SDK's `image_uris.retrieve` gives."""
    images = _config()[scope]
    image = images["versions"][images["version_aliases"][version]]
    if region not in image["registries"]:
        raise SettingsError(
            f"SageMaker has no TensorFlow {version} {scope} image in region {region!r}: deploy to "
            "another region, or name images in sound-vae:training_image and "
            "sound-vae:serving_image."
        )
    domain = RegionInfo.get(region).domain_suffix
    [python] = image["py_versions"]
    return (
        f"{image['registries'][region]}.dkr.ecr.{region}.{domain}/"
        f"{image['repository']}:{version}-{processor}-{python}"
    )


def _parts(uri: str) -> tuple[str, str, str]:
    match = re.match(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[^/]+/([^:@]+)", uri)
    if match is None:
        raise SettingsError(
            f"The image {uri!r} is not of the form "
            "<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>."
        )
    account, region, repository = match.groups()
    return account, region, repository
