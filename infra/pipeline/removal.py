"""What happens before the stack is removed: executions and jobs are stopped.

CloudFormation removes a state machine only when its executions have ended, which may take hours,
and until then no new one may have its name; a job would go on, and cost money, without
anybody to hear of it.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.deploy_time_call import DeployTimeCall, start_sync_execution
from infra.permissions import allow
from infra.pipeline.machine import Machine
from infra.settings import Settings


class Removal(Construct):
    """Goes before whatever depends on nothing but on what this depends on."""

    def __init__(
        self, scope: Construct, construct_id: str, *, machines: list[Machine], settings: Settings
    ) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        ending = Machine(self, "Machine", name=f"{settings.name}--removal")
        allow(ending.role, ["states:ListExecutions"], [machine.arn for machine in machines])
        allow(
            ending.role,
            ["states:StopExecution"],
            [machine.executions_arn for machine in machines],
            why="Executions are named by whoever starts them.",
        )
        allow(ending.role, ["sagemaker:ListTrainingJobs", "sagemaker:ListTransformJobs"], ["*"])
        allow(
            ending.role,
            ["sagemaker:StopTrainingJob"],
            [ending.arn_of("sagemaker", "training-job", f"{settings.name}--*")],
            why="Every attempt at training has a name of its own, which begins with the stack's.",
        )
        allow(
            ending.role,
            ["sagemaker:StopTransformJob"],
            [ending.arn_of("sagemaker", "transform-job", f"{settings.name}--*")],
            why="Every attempt at making sounds has a name of its own, too.",
        )
        state_machine = ending.define(
            "removal",
            {
                "Partition": stack.partition,
                "StateMachineArns": [machine.arn for machine in machines],
                "StackPrefix": settings.name,
            },
            express=True,
        )
        call = DeployTimeCall(
            self,
            "Call",
            on_delete=start_sync_execution(ending.arn, "status", identity=ending.name),
            statements=[
                iam.PolicyStatement(actions=["states:StartSyncExecution"], resources=[ending.arn])
            ],
        )
        call.node.add_dependency(state_machine)
