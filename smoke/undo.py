"""A promotion that has to be undone: of a model that loads, answers, and makes no sound."""

from smoke import mute_model
from smoke.answers import Found
from smoke.execution import Execution
from smoke.stage import Stage

KEY = "output/mute/output/model.tar.gz"


class Undo:
    """The execution, with the endpoint's config before and after it."""

    def __init__(self, stage: Stage) -> None:
        bucket, served = stage.output("BucketName"), stage.served()
        key = served.removeprefix(f"s3://{bucket}/")
        archive = stage.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        stage.upload(KEY, mute_model.muted(archive))
        self.before = stage.endpoint()["EndpointConfigName"]
        self.execution = Execution(stage, {"model": f"s3://{bucket}/{KEY}"}).follow()
        self.after = stage.endpoint()["EndpointConfigName"]
        self.by_cloudformation = self.before in {
            name.rpartition("/")[2] for name in stage.resources("AWS::SageMaker::EndpointConfig")
        }

    def worked(self) -> Found:
        """Tell whether it failed with the sentence that says so."""
        ended = self.execution.ended
        right = (
            ended.get("error") == "SoundVae.PromotionFailed"
            and "answers with silence" in ended.get("cause", "")
            and "serves again what it served before" in ended.get("cause", "")
        )
        return Found(right, self.execution.sentence)

    def went_back(self) -> Found:
        """Tell whether the endpoint has its config again, which CloudFormation had made."""
        seconds = self.execution.seconds_in("Undo the promotion")
        there = self.execution.seconds_in("Serve the new model")
        seen = f"before {self.before}, after {self.after}"
        if seconds is not None and there is not None:
            seen += f"; {there:.0f} s to the mute model, {seconds:.0f} s back"
        undone = "serves again" in self.execution.ended.get("cause", "")
        right = self.before == self.after and self.by_cloudformation and undone
        return Found(right, seen, seconds)
