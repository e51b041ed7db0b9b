"""Whose turn it is to change the endpoint: one item in a DynamoDB table.

DynamoDB writes on a condition, so of two executions that reach for the turn at once one gets it.
endpoint.asl.yaml says what the item holds. The table is billed by request: it costs nothing while
nobody trains.
"""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct


class TurnTable(dynamodb.Table):
    """The table; its item `promotion` is made by the first deployment."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-DDB3",
                reason="It holds nothing to recover: who is changing the endpoint at this moment.",
            )
        )
