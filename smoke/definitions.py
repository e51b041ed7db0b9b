"""What Step Functions itself says about the definitions."""

from smoke.answers import Found, NotAnsweredError
from smoke.stage import Stage


def faultless(stage: Stage) -> Found:
    """Validate each as it is deployed; yes if there is neither error nor warning."""
    api, said = stage.client("stepfunctions"), []
    machines = stage.resources("AWS::StepFunctions::StateMachine") if stage.outputs else []
    if not machines:
        raise NotAnsweredError("the stage was not deployed")
    for arn in machines:
        machine = api.describe_state_machine(stateMachineArn=arn)
        answer = api.validate_state_machine_definition(
            definition=machine["definition"], type=machine["type"], severity="WARNING"
        )
        said += [
            f"{machine['name']}: {one['severity']} {one['code']} at {one.get('location', '?')}: "
            f"{one['message']}"
            for one in answer["diagnostics"]
        ]
    return Found(not said, "; ".join(said) or f"{len(machines)} definitions, no diagnostics")
