"""What SageMaker may do on behalf of the jobs that prepare sounds: read them, write shards.

They run the same packages as training does, and see neither models nor results.
"""

from aws_cdk import aws_s3 as s3

from infra.serving.images import Images
from infra.serving.sagemaker_role import PROCESSING_LOG, Purpose, SageMakerRole
from infra.settings import Settings
from infra.storage.folders import AUDIO, CODE, PREPARED


class PreparationRole(SageMakerRole):
    """The processing jobs' role."""

    def purpose(self, images: Images, settings: Settings) -> Purpose:
        """Return what this role is for."""
        return Purpose(
            description=f"Processing jobs of {settings.name}",
            reads=(AUDIO, CODE, PREPARED),
            images=[images.training_cpu],
            log_group=PROCESSING_LOG,
            log_why="Every instance of a job makes a log stream of its own.",
        )

    def allow_more(self, bucket: s3.IBucket, settings: Settings) -> None:
        """Grant what a job writes, the use of the keys and of the network."""
        self.write(bucket, (PREPARED,), why="A folder and what is in it are named by hashes.")
        self.use_keys(settings)
        self.join_network(settings)
