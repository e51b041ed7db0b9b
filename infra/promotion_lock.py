"""Who may change the endpoint now: one SSM parameter, so that two executions take turns.

It holds `{"execution": "<ARN>"}`, or an empty ARN when nobody promotes, and while the endpoint is
being changed also `"config"`, the new endpoint config, and `"former"`, the one before. SSM has no
compare-and-swap, but numbers what is written: whoever writes the number after the one that he has
read was first. An execution that was aborted frees nothing, so the next one asks Step Functions
whether the one named here still runs.
"""

from constructs import Construct

from infra.serving.record import Record

NOBODY = '{"execution":""}'


class PromotionLock(Record):
    """The parameter `/<name>/promotion`."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(
            scope,
            construct_id,
            parameter_name=f"/{name}/promotion",
            initially=NOBODY,
            description="Which execution changes the endpoint; written by the state machine",
        )
