"""What the endpoint may do: read the served models, which no training job can write."""

from aws_cdk import aws_s3 as s3

from infra.permissions import allow
from infra.serving.images import Images
from infra.serving.sagemaker_role import Purpose, SageMakerRole, endpoint_log
from infra.settings import Settings
from infra.storage.folders import MODELS


class EndpointRole(SageMakerRole):
    """Reads MODELS and nothing else, and writes nothing but its log and its metrics."""

    def purpose(self, images: Images, settings: Settings) -> Purpose:
        """Return what this role is for."""
        return Purpose(
            description=f"Endpoint of {settings.name}",
            reads=[MODELS],
            images=[images.serving],
            log_group=endpoint_log(settings.endpoint_name),
            log_why="Every start of the endpoint makes a log stream of its own.",
        )

    def allow_more(self, bucket: s3.IBucket, settings: Settings) -> None:
        """Grant the use of the key."""
        if settings.kms_key_arn:
            allow(self, ["kms:Decrypt"], [settings.kms_key_arn])
