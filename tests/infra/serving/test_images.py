"""Every region's own registry, and a sentence for a region that has none."""

import pytest
from sagemaker.core import image_uris

from infra.serving import images as module
from infra.serving.images import SERVING_TENSORFLOW, TRAINING_TENSORFLOW, Images
from infra.settings import Settings, SettingsError

OWN = "111122223333.dkr.ecr.eu-nowhere-9.amazonaws.com/sounds:1"


@pytest.mark.parametrize(
    ("region", "account", "domain"),
    [
        ("us-east-1", "763104351884", "amazonaws.com"),
        ("eu-central-1", "763104351884", "amazonaws.com"),
        ("ap-east-1", "871362719292", "amazonaws.com"),
        ("eu-south-1", "692866216735", "amazonaws.com"),
        ("me-central-1", "914824155844", "amazonaws.com"),
        ("us-gov-west-1", "442386744353", "amazonaws.com"),
        ("cn-north-1", "727897471807", "amazonaws.com.cn"),
    ],
)
def test_every_region_pulls_from_its_own_registry(region: str, account: str, domain: str) -> None:
    images = Images.of(region, Settings())
    registry = f"{account}.dkr.ecr.{region}.{domain}"
    assert images == Images(
        training_gpu=f"{registry}/tensorflow-training:2.21-gpu-py312",
        training_cpu=f"{registry}/tensorflow-training:2.21-cpu-py312",
        serving=f"{registry}/tensorflow-inference:2.20-cpu-py312",
    )
    assert Images.repositories(images.training_gpu, images.training_cpu, images.serving) == [
        (account, region, "tensorflow-inference"),
        (account, region, "tensorflow-training"),
    ]


def test_wherever_there_are_images_they_are_those_that_the_sdk_gives() -> None:
    registries = []
    for scope, version in (("training", TRAINING_TENSORFLOW), ("inference", SERVING_TENSORFLOW)):
        known = module._config()[scope]
        registries.append(known["versions"][known["version_aliases"][version]]["registries"])
    regions = set.intersection(*map(set, registries))
    assert len(regions) > 30
    for region in regions:
        images = Images.of(region, Settings())
        for image, version, scope, instance in (
            (images.training_gpu, TRAINING_TENSORFLOW, "training", "ml.g5.xlarge"),
            (images.training_cpu, TRAINING_TENSORFLOW, "training", "ml.c5.xlarge"),
            (images.serving, SERVING_TENSORFLOW, "inference", "ml.c5.xlarge"),
        ):
            assert image == image_uris.retrieve(
                "tensorflow", region, version=version, image_scope=scope, instance_type=instance
            )


def test_a_region_without_such_images_is_one_sentence() -> None:
    with pytest.raises(SettingsError) as raised:
        Images.of("eu-nowhere-9", Settings())
    assert str(raised.value) == (
        "SageMaker has no TensorFlow 2.21 training image in region 'eu-nowhere-9': deploy to "
        "another region, or name images in sound-vae:training_image and sound-vae:serving_image."
    )


def test_images_of_ones_own_take_the_place_of_the_managed_ones() -> None:
    images = Images.of("eu-nowhere-9", Settings(training_image=OWN, serving_image=OWN))
    assert images == Images(training_gpu=OWN, training_cpu=OWN, serving=OWN)
    assert Images.repositories(images.serving) == [("111122223333", "eu-nowhere-9", "sounds")]
