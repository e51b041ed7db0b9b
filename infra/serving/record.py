"""A parameter in SSM that the stack makes and removes, and the state machine writes in between.

Not an `AWS::SSM::Parameter`: CloudFormation writes such a parameter's value back to the template's
whenever it updates anything of it, be it a tag.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import custom_resources as cr
from constructs import Construct

from infra.deploy_time_call import DeployTimeCall


class Record(Construct):
    """The parameter `parameter_name`; `initially` is its value until somebody writes it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        parameter_name: str,
        initially: str,
        description: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.parameter_name = parameter_name
        self.parameter_arn = cdk.Stack.of(self).format_arn(
            service="ssm", resource="parameter", resource_name=parameter_name.removeprefix("/")
        )
        value = {
            "Name": parameter_name,
            "Value": initially,
            "Type": "String",
            "Description": description,
            "Overwrite": False,
        }
        self.made = DeployTimeCall(
            self,
            "Record",
            on_create=self._write(value),
            on_update=self._write(value, unless="ParameterAlreadyExists"),
            on_delete=cr.AwsSdkCall(
                service="SSM",
                action="DeleteParameter",
                parameters={"Name": parameter_name},
                ignore_error_codes_matching="ParameterNotFound",
            ),
            statements=self.allow("ssm:PutParameter", "ssm:DeleteParameter"),
        )

    def _write(self, value: dict[str, object], unless: str | None = None) -> cr.AwsSdkCall:
        return cr.AwsSdkCall(
            service="SSM",
            action="PutParameter",
            parameters=value,
            # a new name is a new resource, and the old one is deleted
            physical_resource_id=cr.PhysicalResourceId.of(self.parameter_name),
            output_paths=["Version"],
            ignore_error_codes_matching=unless,
        )

    def allow(self, *actions: str) -> list[iam.PolicyStatement]:
        """Permit a deploy-time call that reads or writes this parameter."""
        return [iam.PolicyStatement(actions=list(actions), resources=[self.parameter_arn])]
