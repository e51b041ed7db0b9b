"""What SageMaker may do on behalf of transform jobs: read models and requests, write sounds.

Their containers run without network, and so without credentials: the role is for SageMaker itself.
"""

from aws_cdk import aws_s3 as s3

from infra.serving.images import Images
from infra.serving.sagemaker_role import TRANSFORM_LOG, Purpose, SageMakerRole
from infra.settings import Settings
from infra.storage.folders import GENERATED, MODELS, REQUESTS


class TransformRole(SageMakerRole):
    """The transform jobs' role."""

    def purpose(self, images: Images, settings: Settings) -> Purpose:
        """Return what this role is for."""
        return Purpose(
            description=f"Transform jobs of {settings.name}",
            reads=[MODELS, REQUESTS, GENERATED],  # GENERATED: requests that were written for it
            images=[images.serving],
            log_group=TRANSFORM_LOG,
            log_why="Every job makes a log stream of its own.",
        )

    def allow_more(self, bucket: s3.IBucket, settings: Settings) -> None:
        """Grant what a job writes, the use of the keys and of the network."""
        self.write(bucket, (GENERATED,), why="A run's sounds lie in a folder named after it.")
        self.use_keys(settings)
        self.join_network(settings)
