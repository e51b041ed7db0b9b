"""What wakes somebody up: alarms and failures go to one topic, and from there to an e-mail.

Executions are watched through their events, as the metric ExecutionsFailed also counts those whose
input was mistyped, which is no incident: whoever started one reads the sentence there. An
event's detail is what DescribeExecution answers, with the error by which the execution failed.
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.console import execution_url, training_job_url
from infra.settings import Settings
from infra.watching.dashboard import endpoint_metric

SLOW_SECONDS = 20  # a sound takes well under one; an invocation is cut off after 60
WRONG_INPUT = "SoundVae.WrongInput"  # what an execution fails with when its caller made a mistake


class Alarms(Construct):
    """The topic with everything that is published to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        state_machine_arn: str,
        upload_arn: str,  # "": there is none
    ) -> None:
        super().__init__(scope, construct_id)
        # SNS encrypts its disks itself; messages name what failed, and hold no data
        self.topic = sns.Topic(self, "Topic", enforce_ssl=True)
        if settings.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        self._watch_endpoint(settings)
        if upload_arn:
            self._watch_uploads(settings.name, upload_arn)
        region = cdk.Stack.of(self).region
        job = self._tell(
            "TrainingFailed",
            "a training job failed",
            source="aws.sagemaker",
            detail_type="SageMaker Training Job State Change",
            detail={
                "TrainingJobStatus": ["Failed"],
                "TrainingJobName": [{"prefix": f"{settings.name}--"}],
            },
            names={"job": "$.detail.TrainingJobName"},
            message=f"The training job <job> failed: {training_job_url(region, '<job>')}",
        )
        execution = self._tell(
            "ExecutionFailed",
            "an execution failed, and not through its input, or timed out",
            source="aws.states",
            detail_type="Step Functions Execution Status Change",
            detail={
                "stateMachineArn": [state_machine_arn],
                # not ABORTED: whoever stops an execution knows
                "$or": [
                    {
                        "status": ["FAILED"],
                        "error": [{"anything-but": [WRONG_INPUT]}, {"exists": False}],
                    },
                    {"status": ["TIMED_OUT"]},
                ],
            },
            names={
                "execution": "$.detail.name",
                "arn": "$.detail.executionArn",
                "status": "$.detail.status",
            },
            message="The execution <execution> ended as <status>; why, is at the top of its page: "
            + execution_url(region, "<arn>"),
        )
        self._let_publish(job, execution)

    def _watch_uploads(self, name: str, arn: str) -> None:
        """Watch the metrics of the Express state machine: of such there are no events."""
        ended = {
            status: cloudwatch.Metric(
                namespace="AWS/States",
                metric_name=f"Executions{status}",
                dimensions_map={"StateMachineArn": arn},
                statistic="Sum",
            )
            for status in ("Failed", "TimedOut")
        }
        self._alarm(
            "UploadNotNoticed",
            cloudwatch.MathExpression(
                # a metric that never had a figure would leave the sum without one
                expression="FILL(failed, 0) + FILL(timed_out, 0)",
                using_metrics={"failed": ended["Failed"], "timed_out": ended["TimedOut"]},
                period=cdk.Duration.minutes(5),
                label="uploads that were not noticed",
            ),
            1,
            f"{name}: an upload may not be trained on: look into the log group "
            f"/aws/vendedlogs/states/{name}--upload, and start an execution by hand",
        )

    def _watch_endpoint(self, settings: Settings) -> None:
        name = settings.endpoint_name
        for what, metric, threshold, means in (
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
            every = metric.with_(period=cdk.Duration.minutes(5))
            self._alarm(what, every, threshold, f"{settings.name}: {means}")

    def _alarm(self, what: str, metric: cloudwatch.IMetric, threshold: int, means: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            what,
            alarm_description=means,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def _tell(
        self,
        what: str,
        means: str,
        *,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        names: dict[str, str],
        message: str,
    ) -> events.CfnRule:
        """Publish `message` when such an event comes, with what `names` finds in the event.

        EventBridge escapes nothing that it puts in: a reason, with its quotes and line breaks,
        would make the message no JSON and keep it from leaving. Names and ARNs have none.
        """
        return events.CfnRule(
            self,
            what,
            description=means,
            event_pattern={"source": [source], "detail-type": [detail_type], "detail": detail},
            targets=[
                events.CfnRule.TargetProperty(
                    id="Topic",
                    arn=self.topic.topic_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map=names, input_template=json.dumps(message)
                    ),
                )
            ],
        )

    def _let_publish(self, *rules: events.CfnRule) -> None:
        stack = cdk.Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name="*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        for service, conditions in (
            (
                "cloudwatch.amazonaws.com",
                {
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": alarms},
                },
            ),
            (
                "events.amazonaws.com",
                {"ArnEquals": {"aws:SourceArn": [rule.attr_arn for rule in rules]}},
            ),
        ):
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    actions=["sns:Publish"],
                    principals=[iam.ServicePrincipal(service)],
                    resources=[self.topic.topic_arn],
                    conditions=conditions,
                )
            )
