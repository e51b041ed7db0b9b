"""A deployment that begins at a chosen moment of a promotion.

It is prepared as a change set, so that CloudFormation begins at once when it is told to. Where the
promotion takes longer than a deployment waits, the deployment fails before it has changed anything,
and is then made once more.
"""

from datetime import datetime
from typing import Any

from smoke.answers import Found, NotAnsweredError
from smoke.execution import Execution
from smoke.stage import Stage

LISTENING = "Listen to it"  # the endpoint has the model, nothing is recorded
TOLD = "NoPromotionUnderWay"  # in the name of what fails then, as docs/troubleshooting.md says
UPDATING = "Serve the new model"  # the endpoint is being updated, for minutes on AWS


def ends_well(stage: Stage, model: dict[str, Any], memory_mb: int, moment: str) -> Found:
    """Promote `model` and deploy another memory at the moment when it enters that state.

    Yes if both succeed and the endpoint serves what is recorded, with the deployed memory.
    """
    change = stage.prepare(f"memory-{memory_mb}", f"endpoint_memory_mb={memory_mb}")
    execution = Execution(stage, model)
    execution.wait_for(moment)
    if execution.ended:
        raise NotAnsweredError(f"the promotion did not last until then: {execution.sentence}")
    failure = stage.carry_out(change)
    began = _began(stage)
    execution.follow()
    again = ""
    if TOLD in failure:
        again = f" at the second time, after “{failure}”"
        change = stage.prepare(f"memory-{memory_mb}-again", f"endpoint_memory_mb={memory_mb}")
        failure = stage.carry_out(change)
    if began > execution.stopped_at:
        raise NotAnsweredError("the promotion had ended before CloudFormation began")
    memory = stage.endpoint()["ProductionVariants"][0]["CurrentServerlessConfig"]["MemorySizeInMB"]
    served, recorded = stage.served(), stage.recorded()
    promoted = execution.ended["status"] == "SUCCEEDED"
    right = promoted and not failure and memory == memory_mb and served == recorded
    after = (began - (execution.entered(moment) or began)).total_seconds()
    seen = (
        f"CloudFormation began {after:.1f} s after “{moment}”; the execution: "
        f"{execution.sentence}; the deployment: {failure or 'succeeded'}{again}; now {memory} MB, "
        f"serving {'what' if served == recorded else 'other than what'} is recorded"
    )
    return Found(right, seen)


def _began(stage: Stage) -> datetime:
    return max(
        event["Timestamp"]
        for event in stage.events()
        if event["PhysicalResourceId"] == event["StackId"]
        and event["ResourceStatus"] == "UPDATE_IN_PROGRESS"
    )
