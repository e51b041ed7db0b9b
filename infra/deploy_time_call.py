"""A call of AWS's that CloudFormation makes while it deploys: the CDK's AwsCustomResource."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import custom_resources as cr
from constructs import Construct


class DeployTimeCall(cr.AwsCustomResource):
    """Calls at creation, update or removal, with the permission of `statements`.

    One function makes all calls of a stack, and the first one that is constructed decides how long
    it may run: so all say what the longest needs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        statements: list[iam.PolicyStatement],
        on_create: cr.AwsSdkCall | None = None,
        on_update: cr.AwsSdkCall | None = None,
        on_delete: cr.AwsSdkCall | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            on_create=on_create,
            on_update=on_update,
            on_delete=on_delete,
            timeout=cdk.Duration.minutes(5),  # which an Express execution may take
            install_latest_aws_sdk=False,
            policy=cr.AwsCustomResourcePolicy.from_statements(statements),
        )


def start_sync_execution(arn: str, *output_paths: str, identity: str) -> cr.AwsSdkCall:
    """Run an Express state machine and wait for its end, however it ends."""
    return cr.AwsSdkCall(
        service="SFN",
        action="StartSyncExecution",
        parameters={"stateMachineArn": arn, "input": "{}"},
        physical_resource_id=cr.PhysicalResourceId.of(identity),
        output_paths=list(output_paths),
    )
