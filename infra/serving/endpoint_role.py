"""What the endpoint may do: read the served models, which no training job can write."""

from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions import allow
from infra.serving.images import Images
from infra.serving.sagemaker_role import SageMakerRole, endpoint_log
from infra.settings import Settings
from infra.storage.folders import MODELS


class EndpointRole(SageMakerRole):
    """Reads MODELS and nothing else, and writes nothing but its log and its metrics."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        images: Images,
        settings: Settings,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Endpoint of {settings.name}",
            bucket=bucket,
            reads=[MODELS],
            images=[images.serving],
            log_group=endpoint_log(settings.name),
            log_why="Every start of the endpoint makes a log stream of its own.",
        )
        if settings.kms_key_arn:
            allow(self, ["kms:Decrypt"], [settings.kms_key_arn])
