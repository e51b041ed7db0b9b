"""What wakes somebody up: alarms and failed jobs go to one topic, and from there to an e-mail."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.settings import Settings
from infra.watching.dashboard import endpoint_metric, executions

SLOW_SECONDS = 20  # a sound takes well under one; an invocation is cut off after 60


class Alarms(Construct):
    """The topic with everything that is published to it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, state_machine_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        # SNS encrypts its disks itself; messages name what failed, and hold no data
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        if settings.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        name, minutes = settings.name, cdk.Duration.minutes(5)
        for what, metric, threshold, means in (
            (
                "ExecutionFailed",
                executions("ExecutionsFailed", state_machine_arn),
                1,
                "an execution failed: its page in the Step Functions console says why",
            ),
            (
                "ExecutionTimedOut",
                executions("ExecutionsTimedOut", state_machine_arn),
                1,
                "an execution timed out",
            ),
            (
                "EndpointErrors",
                endpoint_metric("Invocation5XXErrors", name, "Sum"),
                1,
                "the endpoint answered with HTTP 5xx: look into the log group "
                f"/aws/sagemaker/Endpoints/{name}",
            ),
            (
                "EndpointSlow",
                endpoint_metric("ModelLatency", name, "p90"),
                SLOW_SECONDS * 1_000_000,  # microseconds
                f"one in ten requests takes the model longer than {SLOW_SECONDS} s",
            ),
        ):
            alarm = cloudwatch.Alarm(
                self,
                what,
                alarm_description=f"{name}: {means}",
                metric=metric.with_(period=minutes),
                threshold=threshold,
                comparison_operator=(
                    cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
                ),
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(actions.SnsAction(self.topic))
        failed_job = events.CfnRule(
            self,
            "TrainingFailed",
            description=f"{name}: a training job failed",
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Training Job State Change"],
                "detail": {
                    "TrainingJobStatus": ["Failed"],
                    "TrainingJobName": [{"prefix": f"{name}--"}],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Topic",
                    arn=self.topic.topic_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={
                            "job": "$.detail.TrainingJobName",
                            "reason": "$.detail.FailureReason",
                        },
                        input_template='"The training job <job> failed: <reason>"',
                    ),
                )
            ],
        )
        self._let_publish(
            "cloudwatch.amazonaws.com",
            {
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {
                    "aws:SourceArn": stack.format_arn(
                        service="cloudwatch",
                        resource="alarm",
                        resource_name="*",
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                },
            },
        )
        self._let_publish(
            "events.amazonaws.com", {"ArnEquals": {"aws:SourceArn": failed_job.attr_arn}}
        )

    def _let_publish(self, service: str, conditions: dict[str, dict[str, str]]) -> None:
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal(service)],
                resources=[self.topic.topic_arn],
                conditions=conditions,
            )
        )
