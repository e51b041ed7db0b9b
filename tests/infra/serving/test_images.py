"""Every region's own registry, and a sentence for a region that has none."""

import pytest

from infra.serving.images import Images
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
