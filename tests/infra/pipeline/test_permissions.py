"""What the state machines may do, statement by statement, and those who start them."""

from typing import Any

import pytest

from tests.infra.policies import STAR, granted
from tests.infra.reading import ACCOUNT, calls_of, of_type
from tests.infra.variants import KEY, REGION

SAGEMAKER = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
STATES = f"arn:aws:states:us-east-1:{ACCOUNT}"
JOBS = f"{SAGEMAKER}:training-job/sound-vae--*"
MODELS = f"{SAGEMAKER}:model/sound-vae--*"
CONFIGS = f"{SAGEMAKER}:endpoint-config/sound-vae--*"
SERVED = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/sound-vae/served-model"
RULES = {
    f"arn:aws:events:us-east-1:{ACCOUNT}:rule/StepFunctionsGetEventsFor{what}Rule"
    for what in ("SageMakerTrainingJobs", "StepFunctionsExecution")
}
# a stack's ARN ends with an id that is made with it
STACK = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/SoundVae/*"


def resources(template: dict[str, Any], role: str) -> dict[str, set[str]]:
    """Action -> resources, without what is granted on everything or under a condition."""
    return {
        action: resources
        for action, (resources, condition) in granted(template, role).items()
        if action not in STAR and not condition
    }


def conditions(template: dict[str, Any], role: str) -> dict[str, tuple[set[str], Any]]:
    """Action -> (resources, condition) where there is one."""
    return {action: what for action, what in granted(template, role).items() if what[1]}


def name_of(template: dict[str, Any], kind: str, beginning: str = "") -> str:
    """The logical id of the one resource of this type whose name begins so."""
    (name,) = (name for name in of_type(template, kind) if name.startswith(beginning))
    return name


@pytest.fixture(scope="session")
def data(template: dict[str, Any]) -> str:
    """The bucket's ARN."""
    return f"<{name_of(template, 'AWS::S3::Bucket')}.Arn>"


@pytest.fixture(scope="session")
def endpoint(template: dict[str, Any]) -> str:
    """By reference, so that the right to another one comes when that is there, and not before."""
    return f"<{name_of(template, 'AWS::SageMaker::Endpoint')}>"


@pytest.fixture(scope="session")
def table(template: dict[str, Any]) -> str:
    """The ARN of the table that says whose turn it is."""
    return f"<{name_of(template, 'AWS::DynamoDB::Table')}.Arn>"


def test_what_trains_and_promotes_may_do_what_its_states_do_and_no_more(
    template: dict[str, Any], data: str, endpoint: str, table: str
) -> None:
    called_machines = ("endpoint", "preparation", "generation")
    called = {f"{STATES}:execution:sound-vae--{what}:*" for what in called_machines}
    assert resources(template, "PipelineMachineRole") == {
        "s3:GetObject": {
            f"{data}/checkpoints/*/summary.json",
            f"{data}/output/*",
            f"{data}/models/*",
        },
        "s3:PutObject": {f"{data}/models/sound-vae--*/model.tar.gz"},
        "sagemaker:CreateTrainingJob": {JOBS},
        "sagemaker:DescribeTrainingJob": {JOBS},
        "sagemaker:StopTrainingJob": {JOBS},
        "sagemaker:ListTags": {JOBS},
        "sagemaker:AddTags": {JOBS, MODELS, CONFIGS},
        "sagemaker:CreateModel": {MODELS},
        "sagemaker:CreateEndpointConfig": {CONFIGS},
        "sagemaker:InvokeEndpoint": {endpoint},
        "events:PutTargets": RULES,
        "events:PutRule": RULES,
        "events:DescribeRule": RULES,
        "ssm:GetParameter": {SERVED},
        "ssm:PutParameter": {SERVED},
        "dynamodb:UpdateItem": {table},
        "states:StartExecution": {
            f"{STATES}:stateMachine:sound-vae--{what}" for what in called_machines
        },
        "states:DescribeExecution": called,
        "states:StopExecution": called,
    }
    roles = {
        f"<{name_of(template, 'AWS::IAM::Role', beginning)}.Arn>"
        for beginning in ("ExecutionRole", "EndpointRole")
    }
    assert conditions(template, "PipelineMachineRole") == {
        "s3:ListBucket": (
            {data},
            {"StringLike": {"s3:prefix": ["audio/*", "spectrograms/*", "models/*", "output/*"]}},
        ),
        "iam:PassRole": (
            roles,
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    }


def test_what_prepares_sounds_may_run_processing_jobs_and_nothing_else(
    template: dict[str, Any],
) -> None:
    jobs = {f"{SAGEMAKER}:processing-job/sound-vae--*"}
    events = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/StepFunctionsGetEventsFor"
    rule = {f"{events}SageMakerProcessingJobsRule"}
    assert resources(template, "PipelinePreparationMachineRole") == {
        "sagemaker:CreateProcessingJob": jobs,
        "sagemaker:DescribeProcessingJob": jobs,
        "sagemaker:StopProcessingJob": jobs,
        "sagemaker:AddTags": jobs,
        "sagemaker:ListTags": jobs,
        "events:PutTargets": rule,
        "events:PutRule": rule,
        "events:DescribeRule": rule,
    }
    role = f"<{name_of(template, 'AWS::IAM::Role', 'PreparationRole')}.Arn>"
    assert conditions(template, "PipelinePreparationMachineRole") == {
        "iam:PassRole": (
            {role},
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    }


def test_what_generates_may_read_what_is_served_and_make_its_own_model_and_jobs(
    template: dict[str, Any], data: str, endpoint: str
) -> None:
    deployed = f"<{name_of(template, 'AWS::SageMaker::EndpointConfig')}>"
    model = f"<{name_of(template, 'AWS::SageMaker::Model')}>"
    own, jobs = f"{MODELS}--batch", f"{SAGEMAKER}:transform-job/sound-vae--*"
    rule = (
        f"arn:aws:events:us-east-1:{ACCOUNT}:rule/"
        "StepFunctionsGetEventsForSageMakerTransformJobsRule"
    )
    assert resources(template, "PipelineGenerationMachineRole") == {
        "s3:GetObject": {f"{data}/generated/*"},
        "s3:PutObject": {f"{data}/generated/*"},
        "sagemaker:DescribeEndpoint": {endpoint},
        "sagemaker:InvokeEndpoint": {endpoint},
        "sagemaker:DescribeEndpointConfig": {CONFIGS, deployed},
        "sagemaker:DescribeModel": {MODELS, model},
        "sagemaker:CreateModel": {own},
        "sagemaker:DeleteModel": {own},
        "sagemaker:AddTags": {own, jobs},
        "sagemaker:CreateTransformJob": {jobs},
        "sagemaker:DescribeTransformJob": {jobs},
        "sagemaker:StopTransformJob": {jobs},
        "sagemaker:ListTags": {jobs},
        "events:PutTargets": {rule},
        "events:PutRule": {rule},
        "events:DescribeRule": {rule},
    }
    role = name_of(template, "AWS::IAM::Role", "TransformRole")
    assert conditions(template, "PipelineGenerationMachineRole") == {
        "s3:ListBucket": (
            {data},
            {"StringLike": {"s3:prefix": ["requests/*", "generated/*"]}},
        ),
        "iam:PassRole": (
            {f"<{role}.Arn>"},
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    }


def test_only_what_changes_the_endpoint_may_update_it(
    template: dict[str, Any], endpoint: str, table: str
) -> None:
    # the config that CloudFormation made, too: a promotion that fails brings it back
    deployed = f"<{name_of(template, 'AWS::SageMaker::EndpointConfig')}>"
    assert resources(template, "PipelineChangesMachineRole") == {
        "dynamodb:GetItem": {table},
        "dynamodb:UpdateItem": {table},
        "states:DescribeExecution": {
            f"{STATES}:execution:sound-vae:*",
            f"{STATES}:execution:sound-vae--endpoint:*",
        },
        "ssm:GetParameter": {SERVED},
        "cloudformation:DescribeStacks": {STACK},
        "sagemaker:DescribeEndpoint": {endpoint},
        "sagemaker:DescribeEndpointConfig": {CONFIGS, deployed},
        "sagemaker:UpdateEndpoint": {endpoint, CONFIGS, deployed},
        "sagemaker:DeleteModel": {MODELS},
        "sagemaker:DeleteEndpointConfig": {CONFIGS},
    }
    assert not conditions(template, "PipelineChangesMachineRole")


def test_the_repair_may_start_what_changes_the_endpoint_and_nothing_else(
    template: dict[str, Any],
) -> None:
    assert granted(template, "PipelineChangesRepairRole") == {
        "states:StartExecution": ({f"{STATES}:stateMachine:sound-vae--endpoint"}, None)
    }


def test_a_deployment_may_announce_itself_and_nothing_else(
    template: dict[str, Any], table: str
) -> None:
    announces = {"dynamodb:UpdateItem": ({table}, None)}
    assert resources(template, "DeploymentMachineRole") == {"dynamodb:UpdateItem": {table}}
    calls = {name: None for name, _, _ in calls_of(template) if name.startswith("DeploymentOf")}
    *waits, last = calls
    for wait in waits:
        assert granted(template, wait[:-8]) == {
            "states:StartSyncExecution": ({f"{STATES}:stateMachine:sound-vae--deployment"}, None)
        }
    assert granted(template, last[:-8]) == announces


def test_what_ends_executions_may_stop_those_of_this_stack_and_nothing_else(
    template: dict[str, Any],
) -> None:
    assert resources(template, "PipelineRemovalMachineRole") == {
        "states:ListExecutions": {
            f"{STATES}:stateMachine:sound-vae",
            f"{STATES}:stateMachine:sound-vae--endpoint",
            f"{STATES}:stateMachine:sound-vae--preparation",
            f"{STATES}:stateMachine:sound-vae--generation",
        },
        "states:StopExecution": {
            f"{STATES}:execution:sound-vae:*",
            f"{STATES}:execution:sound-vae--endpoint:*",
            f"{STATES}:execution:sound-vae--preparation:*",
            f"{STATES}:execution:sound-vae--generation:*",
        },
        "sagemaker:StopTrainingJob": {JOBS},
        "sagemaker:StopTransformJob": {f"{SAGEMAKER}:transform-job/sound-vae--*"},
    }
    assert not conditions(template, "PipelineRemovalMachineRole")
    assert granted(template, "PipelineRemovalCall") == {
        "states:StartSyncExecution": ({f"{STATES}:stateMachine:sound-vae--removal"}, None)
    }


def test_uploads_may_set_one_schedule_and_start_what_trains_and_nothing_else(
    everything: dict[str, Any],
) -> None:
    states = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine"
    schedule = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/birds--upload/birds--upload"
    assert resources(everything, "PipelineUploadMachineRole") == {
        "scheduler:CreateSchedule": {schedule},
        "scheduler:UpdateSchedule": {schedule},
        "states:ListExecutions": {f"{states}:birds"},
        "states:StartExecution": {f"{states}:birds"},
    }
    role = name_of(everything, "AWS::IAM::Role", "PipelineUploadScheduleRole")
    assert conditions(everything, "PipelineUploadMachineRole") == {
        "iam:PassRole": (
            {f"<{role}.Arn>"},
            {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )
    }
    for starter in ("PipelineUploadScheduleRole", "PipelineUploadRuleRole"):
        assert granted(everything, starter) == {
            "states:StartExecution": ({f"{states}:birds--upload"}, None)
        }


def test_what_reads_and_copies_in_the_bucket_may_use_its_key(everything: dict[str, Any]) -> None:
    keys = {
        (role, action): resources
        for role in (
            "PipelineMachineRole",
            "PipelineChanges",
            "PipelineGenerationM",
            "PipelineRemovalM",
            "PipelineUploadM",
        )
        for action, (resources, _) in granted(everything, role).items()
        if action.startswith("kms:")
    }
    assert keys == {
        ("PipelineMachineRole", "kms:Decrypt"): {KEY},
        ("PipelineMachineRole", "kms:GenerateDataKey"): {KEY},
        ("PipelineGenerationM", "kms:Decrypt"): {KEY},
        ("PipelineGenerationM", "kms:GenerateDataKey"): {KEY},
    }
