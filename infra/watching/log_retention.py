"""How long SageMaker's log groups keep what is in them, which SageMaker itself does not limit.

SageMaker makes a group when it first writes to it, and the training jobs of a whole account share
one: so a group is made if it is missing, gets its retention, and is left as it is when the stack
goes or the setting is 0 again.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import custom_resources as cr
from constructs import Construct

from infra.permissions import justify


class LogRetention(Construct):
    """The log group `group` keeps its events for so many days."""

    def __init__(self, scope: Construct, construct_id: str, *, group: str, days: int) -> None:
        super().__init__(scope, construct_id)
        self._arn = cdk.Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=group,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        made = self._call(
            "Group",
            "CreateLogGroup",
            {"logGroupName": group},
            unless="ResourceAlreadyExistsException",
        )
        kept = self._call(
            "Retention", "PutRetentionPolicy", {"logGroupName": group, "retentionInDays": days}
        )
        kept.node.add_dependency(made)
        justify(self, f"{self._arn}:*", "The name of a log group, as some calls want it written.")

    def _call(
        self, what: str, action: str, parameters: dict[str, object], unless: str | None = None
    ) -> cr.AwsCustomResource:
        return cr.AwsCustomResource(
            self,
            what,
            on_update=cr.AwsSdkCall(  # and on creation
                service="CloudWatchLogs",
                action=action,
                parameters=parameters,
                physical_resource_id=cr.PhysicalResourceId.of(f"{action}|{self.node.id}"),
                ignore_error_codes_matching=unless,
            ),
            install_latest_aws_sdk=False,
            policy=cr.AwsCustomResourcePolicy.from_statements(
                [
                    iam.PolicyStatement(
                        actions=[f"logs:{action}"], resources=[self._arn, f"{self._arn}:*"]
                    )
                ]
            ),
        )
