"""The record of which model is served: one SSM parameter that holds the S3 URL of its model.tar.gz.

The stack makes it, with the starter's URL, and removes it; in between only the state machine writes
it, after each promotion.
"""

from aws_cdk import custom_resources as cr
from constructs import Construct

from infra.deploy_time_call import DeployTimeCall
from infra.serving.record import Record


class ServedModel(Record):
    """The parameter `/<name>/served-model`."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, starter_url: str) -> None:
        super().__init__(
            scope,
            construct_id,
            parameter_name=f"/{name}/served-model",
            initially=starter_url,
            description="Which model the endpoint serves; written by the state machine",
        )

    def read(self, version: str, *, after: Construct) -> str:
        """Read the URL at deploy time, again whenever `version` differs from the last deploy's.

        `after` is what has to be there before.
        """
        reading = DeployTimeCall(
            self,
            "Read",
            on_update=cr.AwsSdkCall(  # and on creation
                service="SSM",
                action="GetParameter",
                parameters={"Name": self.parameter_name},
                physical_resource_id=cr.PhysicalResourceId.of(f"served|{version}"),
                output_paths=["Parameter.Value"],
            ),
            statements=self.allow("ssm:GetParameter"),
        )
        reading.node.add_dependency(self.made, after)
        return reading.get_response_field("Parameter.Value")
