"""The first execution after the deployment: a mistake in its input, and permissions just made."""

from smoke.answers import Found, NotAnsweredError
from smoke.execution import Execution
from smoke.stage import Stage

NOTHING = "audio/nothing-is-here/"
DENIALS = ("AccessDenied", "not authorized", "Could not access", "Could not assume")


def start(stage: Stage) -> Execution:
    """Ask for a folder that does not exist: three services are called, nothing is paid for."""
    return Execution(stage, {"data": NOTHING}).follow()


def says_what_is_wrong(execution: Execution) -> Found:
    """Tell whether it failed with the caller's error and a sentence that names the folder."""
    ended = execution.ended
    right = ended.get("error") == "SoundVae.WrongInput" and NOTHING in ended.get("cause", "")
    return Found(right, execution.sentence)


def was_let_in(stage: Stage, execution: Execution) -> Found:
    """Tell whether no call was denied, during the deployment or after; time the first call."""
    first = execution.left("Find the sounds")
    denied = [cause for cause in execution.failures() if any(word in cause for word in DENIALS)]
    denied += [
        reason
        for event in stage.events()
        if any(word in (reason := event.get("ResourceStatusReason", "")) for word in DENIALS)
    ]
    if stage.deployed_at is None or first is None:
        raise NotAnsweredError(f"the first call never succeeded: {execution.sentence}")
    seconds = (first - stage.deployed_at).total_seconds()
    made = _seconds_from_policy_to_model(stage)
    seen = f"first call {seconds:.1f} s after `cdk deploy` ended"
    if made is not None:
        seen += f"; the endpoint's Model was made {made:.0f} s after the last policy before it"
    return Found(not denied, "; ".join([seen, *denied]), seconds)


def _seconds_from_policy_to_model(stage: Stage) -> float | None:
    done = [event for event in stage.events() if event["ResourceStatus"] == "CREATE_COMPLETE"]
    models = [e["Timestamp"] for e in done if e["ResourceType"] == "AWS::SageMaker::Model"]
    policies = [
        e["Timestamp"]
        for e in done
        if e["ResourceType"] == "AWS::IAM::Policy" and models and e["Timestamp"] <= models[0]
    ]
    return (models[0] - policies[-1]).total_seconds() if policies else None
