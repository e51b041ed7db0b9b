"""The managed container images that train and serve, looked up without asking AWS."""

import functools
import re
from dataclasses import dataclass

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
            training_gpu=training
            or _managed(region, "training", TRAINING_TENSORFLOW, "ml.g5.xlarge"),
            training_cpu=training
            or _managed(region, "training", TRAINING_TENSORFLOW, "ml.c5.xlarge"),
            serving=serving or _managed(region, "inference", SERVING_TENSORFLOW, "ml.c5.xlarge"),
        )

    @staticmethod
    def repositories(*uris: str) -> list[tuple[str, str, str]]:
        """List (account, region, repository) of these images, each once."""
        return sorted({_parts(uri) for uri in uris})


@functools.cache
def _managed(region: str, scope: str, version: str, instance_type: str) -> str:
    from sagemaker.core import image_uris  # takes seconds; not needed when settings name images

    try:
        return str(
            image_uris.retrieve(
                "tensorflow",
                region,
                version=version,
                image_scope=scope,
                instance_type=instance_type,
            )
        )
    except ValueError as error:
        raise SettingsError(
            f"SageMaker has no TensorFlow {version} {scope} image in region {region!r}: deploy to "
            "another region, or name images in sound-vae:training_image and "
            "sound-vae:serving_image."
        ) from error


def _parts(uri: str) -> tuple[str, str, str]:
    match = re.match(r"(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[^/]+/([^:@]+)", uri)
    if match is None:
        raise SettingsError(
            f"The image {uri!r} is not of the form "
            "<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>."
        )
    account, region, repository = match.groups()
    return account, region, repository
