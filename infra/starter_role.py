"""Who starts a state machine for whom: a rule's, a schedule's role."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.permissions import allow


class StarterRole(iam.Role):
    """Lets `service` start `state_machine_arn`, for resources of this account only."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: str,
        state_machine_arn: str,
        description: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=description,
            assumed_by=iam.ServicePrincipal(
                service,
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}},
            ),
        )
        allow(self, ["states:StartExecution"], [state_machine_arn])
