"""What SageMaker may do on behalf of the training jobs: this bucket, no other.

Jobs install packages and run what these bring along. So they write only results and checkpoints,
never what the endpoint loads: a model is served from MODELS, where the state machine puts a copy of
what it promotes.

One role serves all jobs, so what a job writes is held to its own run in one case only: with
`network_isolation` "no AWS credentials are made available to the container runtime environment",
and SageMaker itself uploads to the places that the request names
(https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html). Without it a
program in a job could also write to the folders of other runs. The bucket keeps what it would
replace there as a former version. To copy, at a promotion, just the version that the job left would
protect nothing: the same packages ran in the job that left it.
"""

from aws_cdk import aws_s3 as s3

from infra.permissions import allow
from infra.serving.images import Images
from infra.serving.sagemaker_role import TRAINING_LOG, Purpose, SageMakerRole
from infra.settings import Settings
from infra.storage.folders import (
    AUDIO,
    CHECKPOINTS,
    CODE,
    MODELS,
    OUTPUT,
    PREPARED,
    SPECTROGRAMS,
)

# MODELS: the served one, to compare with; OUTPUT: another run's, to start from
READ = (AUDIO, SPECTROGRAMS, PREPARED, CODE, MODELS, OUTPUT, CHECKPOINTS)
WRITE = (OUTPUT, CHECKPOINTS)


class ExecutionRole(SageMakerRole):
    """The training jobs' role."""

    def purpose(self, images: Images, settings: Settings) -> Purpose:
        """Return what this role is for."""
        return Purpose(
            description=f"Training jobs of {settings.name}",
            reads=READ,
            images=[images.training_gpu, images.training_cpu],
            log_group=TRAINING_LOG,
            log_why="Every job makes a log stream of its own.",
        )

    def allow_more(self, bucket: s3.IBucket, settings: Settings) -> None:
        """Grant what a job writes, the use of the keys and of the network."""
        self.write(
            bucket,
            WRITE,
            why="A job's results and checkpoints lie in folders that are named after its run.",
        )
        # SageMaker mirrors the job's folder of checkpoints, including what the job deletes there
        allow(
            self,
            ["s3:DeleteObject"],
            [bucket.arn_for_objects(f"{CHECKPOINTS}*")],
            why="Every execution has a folder of its own.",
        )
        self.use_keys(settings)
        self.join_network(settings)
