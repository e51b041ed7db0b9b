"""The record of which model is served: one SSM parameter that holds the S3 URL of its model.tar.gz.

The stack makes it, with the starter's URL, and removes it; in between only the state machine writes
it, after each promotion. That is why it is not an `AWS::SSM::Parameter`: CloudFormation writes such
a parameter's value back to the template's whenever it updates anything of it, be it a tag.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import custom_resources as cr
from constructs import Construct


class ServedModel(Construct):
    """The parameter `/<name>/served-model`."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, starter_url: str) -> None:
        super().__init__(scope, construct_id)
        self.parameter_name = f"/{name}/served-model"
        self.parameter_arn = cdk.Stack.of(self).format_arn(
            service="ssm", resource="parameter", resource_name=f"{name}/served-model"
        )
        self._record = cr.AwsCustomResource(
            self,
            "Record",
            on_create=self._write(starter_url),
            on_update=self._write(starter_url, unless="ParameterAlreadyExists"),
            on_delete=cr.AwsSdkCall(
                service="SSM",
                action="DeleteParameter",
                parameters={"Name": self.parameter_name},
                ignore_error_codes_matching="ParameterNotFound",
            ),
            install_latest_aws_sdk=False,
            policy=self._allow("ssm:PutParameter", "ssm:DeleteParameter"),
        )

    def _write(self, url: str, unless: str | None = None) -> cr.AwsSdkCall:
        return cr.AwsSdkCall(
            service="SSM",
            action="PutParameter",
            parameters={
                "Name": self.parameter_name,
                "Value": url,
                "Type": "String",
                "Description": "Which model the endpoint serves; written by the state machine",
                "Overwrite": False,
            },
            # a new name is a new resource, and the old one is deleted
            physical_resource_id=cr.PhysicalResourceId.of(self.parameter_name),
            output_paths=["Version"],
            ignore_error_codes_matching=unless,
        )

    def read(self, version: str) -> str:
        """Read the URL at deploy time, again whenever `version` differs from the last deploy's."""
        reading = cr.AwsCustomResource(
            self,
            "Read",
            on_update=cr.AwsSdkCall(  # and on creation
                service="SSM",
                action="GetParameter",
                parameters={"Name": self.parameter_name},
                physical_resource_id=cr.PhysicalResourceId.of(f"served|{version}"),
                output_paths=["Parameter.Value"],
            ),
            install_latest_aws_sdk=False,
            policy=self._allow("ssm:GetParameter"),
        )
        reading.node.add_dependency(self._record)
        return reading.get_response_field("Parameter.Value")

    def _allow(self, *actions: str) -> cr.AwsCustomResourcePolicy:
        return cr.AwsCustomResourcePolicy.from_statements(
            [iam.PolicyStatement(actions=list(actions), resources=[self.parameter_arn])]
        )
