"""A deployment that begins while a promotion gives the endpoint its model."""

from pathlib import Path
from typing import Any

from smoke import cdk
from smoke.answers import Found, NotAnsweredError
from smoke.execution import Execution
from smoke.stage import Stage

MEMORY_MB = 4096  # other than before, so that CloudFormation updates the endpoint
MOMENT = "Serve the new model"


def ends_well(stage: Stage, model: dict[str, Any], assembly: Path) -> Found:
    """Deploy `assembly`, which has another memory, in the midst of promoting `model`.

    Yes if both succeed, the endpoint serves the promoted model, with the deployed memory.
    """
    execution = Execution(stage, model)
    execution.wait_for(MOMENT)
    failure = ""
    try:
        stage.deploy(assembly)
    except cdk.CdkError as error:
        failure = str(error)
    execution.follow()
    began = max(
        event["Timestamp"]
        for event in stage.events()
        if event["PhysicalResourceId"] == event["StackId"]
        and event["ResourceStatus"] == "UPDATE_IN_PROGRESS"
    )
    entered = execution.entered(MOMENT)
    if entered is None or began > execution.stopped_at:
        raise NotAnsweredError(
            "the promotion had ended before CloudFormation began: "
            f"{execution.stopped_at:%H:%M:%S}, {began:%H:%M:%S}; {execution.sentence}"
        )
    memory = stage.endpoint()["ProductionVariants"][0]["CurrentServerlessConfig"]["MemorySizeInMB"]
    served, recorded = stage.served(), stage.recorded()
    promoted = execution.ended["status"] == "SUCCEEDED"
    right = promoted and not failure and memory == MEMORY_MB and served == recorded
    seen = (
        f"CloudFormation began {(began - entered).total_seconds():.0f} s after “{MOMENT}”; "
        f"the execution: {execution.sentence[:600]}; the deployment: {failure or 'succeeded'}; "
        f"now {memory} MB, serving {'what' if served == recorded else 'other than'} is recorded"
    )
    return Found(right, seen)
