"""Whether a new model takes the served one's place.

The job measured both on the same validation clips: `val_loss` and `served_val_loss`, where there
are labels also `val_accuracy` and `served_val_accuracy`, and `comparable`, 0 when the served model
was made for other sounds.
"""

from infra.jsonata import query
from infra.promotion_lock import NOBODY
from infra.states import State, Surroundings, read_parameter
from infra.undo_states import catch_and_undo

# of the sounds that a recogniser hears as the right label; less is within chance
ACCURACY_TOLERANCE = 0.02


def gate_states(around: Surroundings) -> dict[str, State]:
    """After the training, and once more when it is our turn to promote."""
    return {
        "May it be promoted?": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": query("$request.promote = 'never'"),
                    "Assign": {"verdict": {"promote": False, "why": 'promote is "never"'}},
                    "Next": "Done",
                }
            ],
            "Default": "See who is promoting",
        },
        "Read what is served now": {
            **read_parameter(around, around.record),
            "Assign": {
                "served_url": query("$states.result.Parameter.Value"),
                # an execution that was aborted half-way left a model that nobody approved of
                "abandoned": query(
                    "$turn.config = $serving_config"
                    " and $turn.model != $states.result.Parameter.Value"
                ),
            },
            "Output": {},
            "Catch": catch_and_undo("Reading what is served", then="Let others promote"),
            "Next": "Compare the models",
        },
        "Compare the models": {
            "Type": "Pass",
            "Assign": {
                "verdict": query(verdict()),
                "former_config": query("$abandoned ? $turn.former : $serving_config"),
            },
            "Next": "Is the new model better?",
        },
        "Is the new model better?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": query("$verdict.promote"), "Next": "Create the model"},
                {"Condition": query("$abandoned"), "Next": "Look at what it serves"},
            ],
            "Default": "Let others promote",
            "Assign": {"left": query(NOBODY)},
        },
    }


def verdict() -> str:
    """Write an expression that yields `{promote, why}`.

    It reads what is served at this moment from `$served_url`, and from `$baseline` what was served
    when the training began, which is what the job compared with.
    """
    return f"""(
  $figures := $summary.metrics;
  $short := function($figure) {{ $string($round($figure, 4)) }};
  $losses := 'its validation loss is ' & $short($figures.val_loss)
    & ', that of the served model ' & $short($figures.served_val_loss);
  $accurate := $exists($figures.val_accuracy) and $exists($figures.served_val_accuracy)
    ? $figures.val_accuracy >= $figures.served_val_accuracy - {ACCURACY_TOLERANCE} : true;
  $exists($summary.training_job) = false
    ? {{'promote': true, 'why': 'the input names this model'}}
  : $request.promote = 'always'
    ? {{'promote': true, 'why': 'promote is "always"'}}
  : $served_url != $baseline
    ? {{'promote': false, 'why': 'another model was promoted while this one trained ('
        & $served_url & '), so the two were never compared'}}
  : $comparing = false
    ? {{'promote': true, 'why': 'the served model is no longer in the bucket to compare with'}}
  : $exists($figures.served_val_loss) = false or $figures.comparable = 0
    ? {{'promote': true, 'why':
        'the served model was made for other sounds, so the two cannot be compared'}}
  : $exists($figures.val_loss) = false
    ? {{'promote': true, 'why': 'the job gave no validation loss to compare'}}
  : $figures.val_loss >= $figures.served_val_loss
    ? {{'promote': false, 'why': $losses}}
  : $accurate = false
    ? {{'promote': false, 'why': 'its accuracy is ' & $short($figures.val_accuracy)
        & ', that of the served model ' & $short($figures.served_val_accuracy)}}
  : {{'promote': true, 'why': $losses}}
)"""
