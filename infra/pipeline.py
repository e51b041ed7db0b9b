"""The state machine that trains and promotes, with its role and its logs."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.definition import definition
from infra.permissions import allow
from infra.serving.record import Record
from infra.states import Surroundings
from infra.storage.folders import AUDIO, MODELS, OUTPUT, SPECTROGRAMS


class Pipeline(Construct):
    """Started by hand, by `aws stepfunctions start-execution`, or by whatever you connect to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        execution_role: iam.IRole,
        served: Record,
        lock: Record,
        deployed_config_arn: str,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        name = surroundings.settings.name
        self.role = iam.Role(
            self,
            "Role",
            description=f"State machine of {name}",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )
        self._look_into(bucket)
        self._pass(execution_role)
        self._train(f"{name}--*")
        self._promote(f"{name}--*", name, deployed_config_arn, records=[served, lock])
        allow(
            self.role,
            ["states:DescribeExecution"],
            [
                stack.format_arn(
                    service="states",
                    resource="execution",
                    resource_name=f"{name}:*",
                    arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            why="Any other execution of this state machine may be the one that is promoting.",
        )
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(
                stack.to_json_string(definition(surroundings))
            ),
            role=self.role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "Log",
                    # under this prefix the group needs no room in the account's one resource policy
                    log_group_name=f"/aws/vendedlogs/states/{name}",
                    retention=logs.RetentionDays.THREE_MONTHS,
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
        )

    def _look_into(self, bucket: s3.IBucket) -> None:
        prefixes = [f"{prefix}*" for prefix in (AUDIO, SPECTROGRAMS, MODELS, OUTPUT)]
        allow(
            self.role,
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            {"StringLike": {"s3:prefix": prefixes}},
        )

    def _pass(self, role: iam.IRole) -> None:
        allow(
            self.role,
            ["iam:PassRole"],
            [role.role_arn],
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )

    def _train(self, jobs: str) -> None:
        allow(
            self.role,
            [
                "sagemaker:CreateTrainingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:StopTrainingJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            [self._arn("sagemaker", "training-job", jobs)],
            why="Every attempt at training has a name of its own, which begins with the stack's.",
        )
        # how Step Functions learns that a job has ended
        allow(
            self.role,
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [self._arn("events", "rule", "StepFunctionsGetEventsForSageMakerTrainingJobsRule")],
        )

    def _promote(
        self, made: str, endpoint: str, deployed_config_arn: str, *, records: list[Record]
    ) -> None:
        model = self._arn("sagemaker", "model", made)
        config = self._arn("sagemaker", "endpoint-config", made)
        live = self._arn("sagemaker", "endpoint", endpoint)
        allow(
            self.role,
            ["sagemaker:CreateModel"],
            [model],
            why="Every promotion makes a model with a name of its own, which begins with the "
            "stack's.",
        )
        allow(
            self.role,
            ["sagemaker:CreateEndpointConfig"],
            [config],
            why="Every promotion makes a config with a name of its own, which begins with the "
            "stack's.",
        )
        allow(self.role, ["sagemaker:AddTags"], [model, config])
        # the deployed config too: a promotion that fails brings it back
        allow(self.role, ["sagemaker:UpdateEndpoint"], [live, config, deployed_config_arn])
        allow(self.role, ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"], [live])
        allow(self.role, ["sagemaker:DeleteModel"], [model])
        allow(self.role, ["sagemaker:DeleteEndpointConfig"], [config])
        allow(
            self.role,
            ["sagemaker:ListModels", "sagemaker:ListEndpointConfigs"],
            ["*"],
            why="Lists are of the whole account, as are traces and the delivery of logs.",
        )
        allow(
            self.role,
            ["ssm:GetParameter", "ssm:PutParameter"],
            [record.parameter_arn for record in records],
        )

    def _arn(self, service: str, resource: str, name: str) -> str:
        return cdk.Stack.of(self).format_arn(service=service, resource=resource, resource_name=name)
