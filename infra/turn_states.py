"""Taking turns: one execution at a time changes the endpoint, and an aborted one blocks nobody."""

from infra.jsonata import literal, query
from infra.promotion_lock import NOBODY
from infra.states import ME, State, Surroundings, catch_all, read_parameter, write_parameter
from infra.undo_states import IN_PROGRESS, catch_and_undo


def turn_states(around: Surroundings) -> dict[str, State]:
    """From `See who is promoting` to `Read what is served now`, and the way out of promotions."""
    name, minutes = around.settings.name, around.settings.endpoint_update_minutes
    # longer than a promotion may take that fails and is undone, so that whoever waited this long
    # for an execution that names nobody else knows that there is none
    most_waits = 4 * minutes  # of a minute each, but for the first ones
    return {
        "See who is promoting": {
            **read_parameter(around, around.lock),
            "Assign": {
                "turn": query("$parse($states.result.Parameter.Value)"),
                # what to leave behind: what an aborted execution left, until that is dealt with
                "left": query("$merge([$parse($states.result.Parameter.Value), " + NOBODY + "])"),
                "version": query("$states.result.Parameter.Version"),
            },
            "Output": {},
            "Catch": catch_all("Reading who is promoting", "Promotion failed"),
            "Next": "Is it our turn?",
        },
        "Is it our turn?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": query("$turn.execution = ''"), "Next": "Take the turn"},
                {
                    # we wrote at the same moment as somebody else, and second
                    "Condition": query(f"$turn.execution = {ME} and $waits < {most_waits}"),
                    "Next": "Wait for the other execution",
                },
                {"Condition": query(f"$turn.execution = {ME}"), "Next": "Take the turn"},
            ],
            "Default": "Look at the other execution",
        },
        "Look at the other execution": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::aws-sdk:sfn:describeExecution",
            "Arguments": {"ExecutionArn": query("$turn.execution")},
            "Output": {"status": query("$states.result.Status")},
            "Catch": [
                {
                    # it ended so long ago that Step Functions has forgotten it
                    "ErrorEquals": ["Sfn.ExecutionDoesNotExistException"],
                    "Next": "Take the turn",
                },
                *catch_all("Looking at the other execution", "Promotion failed"),
            ],
            "Next": "Is it still running?",
        },
        "Is it still running?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query("$states.input.status != 'RUNNING'"),
                    "Next": "Take the turn",
                },
                {
                    "Condition": query(f"$waits < {most_waits}"),
                    "Next": "Wait for the other execution",
                },
            ],
            "Default": "Promotion failed",
            "Output": {
                "sentence": query(
                    "'Another execution has been promoting for too long: ' & $turn.execution"
                    " & '. Stop it, and promote this model with the input '"
                    " & $string({'model': $model_url}) & '.'"
                )
            },
        },
        "Wait for the other execution": {
            "Type": "Wait",
            "Seconds": query("$min([60, 5 + 5 * $waits])"),
            "Assign": {"waits": query("$waits + 1")},
            "Next": "See who is promoting",
        },
        "Take the turn": {
            **write_parameter(
                around, around.lock, query(f"$string($merge([$turn, {{'execution': {ME}}}]))")
            ),
            "Output": {"first": query("$states.result.Version = $version + 1")},
            "Catch": catch_all("Taking the turn to promote", "Promotion failed"),
            "Next": "Were we first?",
        },
        "Were we first?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query("$states.input.first"),
                    "Next": "See what the endpoint serves",
                }
            ],
            "Default": "Wait for the other execution",
        },
        "See what the endpoint serves": {
            "Type": "Task",
            "Resource": f"arn:{around.partition}:states:::aws-sdk:sagemaker:describeEndpoint",
            "Arguments": {"EndpointName": name},
            "Assign": {
                "looks": query("$looks + 1"),
                "serving_config": query("$states.result.EndpointConfigName"),
                "serverless": query(_serverless(around)),
            },
            "Output": {"status": query("$states.result.EndpointStatus")},
            "Catch": catch_and_undo("Looking at the endpoint", then="Let others promote"),
            "Next": "Is the endpoint at rest?",
        },
        "Is the endpoint at rest?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query("$states.input.status = 'InService'"),
                    "Next": "Read what is served now",
                },
                {
                    "Condition": query(
                        f"$states.input.status in {IN_PROGRESS} and $looks < {minutes * 2}"
                    ),
                    "Next": "Let the endpoint come to rest",
                },
            ],
            "Default": "Let others promote",
            "Assign": {
                "failure": query(
                    f"'The endpoint {name} cannot be updated: its status is '"
                    " & $states.input.status & '.'"
                )
            },
        },
        "Let the endpoint come to rest": {
            "Type": "Wait",
            "Seconds": 30,
            "Next": "See what the endpoint serves",
        },
        "Let others promote": {
            **write_parameter(around, around.lock, query("$string($left)")),
            # if this fails, the next execution will see that this one has ended
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Did it work?"}],
            "Next": "Did it work?",
        },
        "Did it work?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query("$failure != ''"),
                    "Output": {
                        "sentence": query(
                            "$failure & ($exists($summary.training_job)"
                            " ? ' What was trained is kept at ' & $model_url & '.' : '')"
                        )
                    },
                    "Next": "Promotion failed",
                }
            ],
            "Default": "Done",
        },
        "Done": {
            "Type": "Succeed",
            "Output": query(f"""$merge([
              {{'endpoint': '{name}', 'model': $model_url}}, $verdict.promote
                ? {{'promoted': true, 'why': $verdict.why, 'endpoint_config': $config_name,
                    'previous_model': $served_url}}
                : {{'promoted': false, 'why': $verdict.why,
                    'promote_with': {{'model': $model_url}}}},
              $summary
            ])"""),
        },
    }


def _serverless(around: Surroundings) -> str:
    """Write an expression for memory and concurrency: those that the endpoint has.

    This execution may have begun before the deploy that changed them.
    """
    deployed = {
        "MemorySizeInMB": around.settings.endpoint_memory_mb,
        "MaxConcurrency": around.settings.endpoint_max_concurrency,
    }
    return f"""$merge([
      {literal(deployed)},
      $states.result.ProductionVariants[0].CurrentServerlessConfig.{{
        'MemorySizeInMB': MemorySizeInMB, 'MaxConcurrency': MaxConcurrency
      }}
    ])"""
