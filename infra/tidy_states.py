"""Removing the models and endpoint configs of former promotions, but for the last one's.

Only what the state machine made itself: its names begin `<name>--`, and CloudFormation's never do.
"""

from infra.jsonata import query
from infra.states import RETRY, State, Surroundings


def tidy_states(around: Surroundings) -> dict[str, State]:
    """From a promotion that worked to `Let others promote`."""
    # a model's name is how that of its config begins
    kept = "$substring($config, 0, $length($name)) = $name"
    return {
        **_remove(around, "config", "EndpointConfig", kept="$config = $name", then="models"),
        **_remove(around, "model", "Model", kept=kept, then=""),
    }


def _remove(
    around: Surroundings, word: str, kind: str, *, kept: str, then: str
) -> dict[str, State]:
    sdk = f"arn:{around.partition}:states:::aws-sdk:sagemaker"
    following = f"Find former {then}" if then else "Let others promote"
    leave = [{"ErrorEquals": ["States.ALL"], "Next": following}]  # the next promotion tries again
    return {
        f"Find former {word}s": {
            "Type": "Task",
            "Resource": f"{sdk}:list{kind}s",
            "Arguments": {
                "NameContains": f"{around.settings.name}--",
                "SortBy": "CreationTime",
                "SortOrder": "Ascending",
                "MaxResults": 100,
            },
            "Output": query(f"""[$filter(
              $append([], $states.result.{kind}s.{kind}Name), function($name) {{
                $contains($name, /^{around.settings.name}--/)
                and $count($filter([$config_name, $former_config], function($config) {{
                  {kept}
                }})) = 0
              }}
            )]"""),
            "Retry": RETRY,
            "Catch": leave,
            "Next": f"Remove former {word}s",
        },
        f"Remove former {word}s": {
            "Type": "Map",
            "Items": query("$states.input"),
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": f"Remove a {word}",
                "States": {
                    f"Remove a {word}": {
                        "Type": "Task",
                        "Resource": f"{sdk}:delete{kind}",
                        "Arguments": {f"{kind}Name": query("$states.input")},
                        "Output": {},
                        "Retry": RETRY,
                        "End": True,
                    }
                },
            },
            "Catch": leave,
            "Next": following,
        },
    }
