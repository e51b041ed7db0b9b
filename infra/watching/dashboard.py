"""One page in CloudWatch: how training goes, and what the endpoint does."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.serving.endpoint import VARIANT
from infra.settings import Settings

JOBS = "/aws/sagemaker/TrainingJobs"  # namespace of what the jobs print as name=number


def endpoint_metric(name: str, endpoint: str, statistic: str) -> cloudwatch.Metric:
    """Name a metric that SageMaker counts for the endpoint; times are in microseconds."""
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=name,
        dimensions_map={"EndpointName": endpoint, "VariantName": VARIANT},
        statistic=statistic,
    )


def executions(name: str, state_machine_arn: str) -> cloudwatch.Metric:
    """Name a metric that Step Functions counts for the state machine."""
    return cloudwatch.Metric(
        namespace="AWS/States",
        metric_name=name,
        dimensions_map={"StateMachineArn": state_machine_arn},
        statistic="Sum",
    )


def dashboard_name(settings: Settings, region: str) -> str:
    """Name the dashboard: with its region, as all regions of an account share their dashboards."""
    return f"{settings.name}-{region}"


class Dashboard(Construct):
    """The dashboard `<name>-<region>`, two graphs in a row."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, state_machine_arn: str
    ) -> None:
        super().__init__(scope, construct_id)

        def graph(title: str, *metrics: cloudwatch.IMetric, unit: str = "") -> cloudwatch.IWidget:
            axis = cloudwatch.YAxisProps(label=unit, show_units=False) if unit else None
            return cloudwatch.GraphWidget(
                title=title, left=list(metrics), width=12, height=7, left_y_axis=axis
            )

        def of_endpoint(statistic: str, *names: str) -> list[cloudwatch.IMetric]:
            endpoint = settings.endpoint_name
            return [endpoint_metric(metric, endpoint, statistic) for metric in names]

        def loss(metric: str) -> cloudwatch.IMetric:
            # each job has a metric of its own; a search finds those of the jobs to come. Quotes
            # make a name match as a whole; without them a term's words match side by side, which
            # is as near to "begins with" as a search comes: a stage `<name>-b` is shown as well
            return cloudwatch.MathExpression(
                expression=f'SEARCH(\'{{"{JOBS}",TrainingJobName}} '
                f"MetricName=\"{metric}\" TrainingJobName={settings.name}', 'Average', 60)",
                label="",
                period=cdk.Duration.minutes(1),
                using_metrics={},
            )

        cloudwatch.Dashboard(
            self,
            "Page",
            dashboard_name=dashboard_name(settings, cdk.Stack.of(self).region),
            widgets=[
                [
                    graph("Training: validation loss", loss("val_loss")),
                    graph("Training: training loss", loss("train_loss")),
                ],
                [
                    graph("Endpoint: requests", *of_endpoint("Sum", "Invocations")),
                    graph(
                        "Endpoint: errors",
                        *of_endpoint("Sum", "Invocation4XXErrors", "Invocation5XXErrors"),
                    ),
                ],
                [
                    graph(
                        "Endpoint: time in the model",
                        *of_endpoint("p50", "ModelLatency"),
                        *of_endpoint("p90", "ModelLatency"),
                        unit="microseconds",
                    ),
                    graph(
                        "Endpoint: cold start",
                        *of_endpoint("Maximum", "ModelSetupTime", "OverheadLatency"),
                        unit="microseconds",
                    )
                    if settings.endpoint == "serverless"
                    else graph(
                        "Endpoint: requests a minute for each instance",
                        endpoint_metric(
                            "InvocationsPerInstance", settings.endpoint_name, "Sum"
                        ).with_(period=cdk.Duration.minutes(1)),
                    ),
                ],
                [
                    graph(
                        "Executions",
                        *(
                            executions(metric, state_machine_arn)
                            for metric in (
                                "ExecutionsStarted",
                                "ExecutionsSucceeded",
                                "ExecutionsFailed",
                                "ExecutionsTimedOut",
                                "ExecutionsAborted",
                            )
                        ),
                    ),
                ],
            ],
        )
