"""The state machine's definition: the graph that one sees in the console.

Plain Amazon States Language in dicts, so that it reads like AWS's documentation and its expressions
can be tried without a deployment.
"""

from infra.check_states import check_states
from infra.gate import gate_states
from infra.promote_states import promote_states
from infra.states import State, Surroundings, fail
from infra.tidy_states import tidy_states
from infra.train_states import train_states
from infra.turn_states import turn_states
from infra.undo_states import undo_states


def definition(around: Surroundings) -> State:
    """Write the whole definition, in Amazon States Language."""
    return {
        "Comment": "Train on the sounds in the bucket and serve what was learned",
        "QueryLanguage": "JSONata",
        "StartAt": "Check the input",
        "States": {
            **check_states(around),
            **train_states(around),
            **gate_states(around),
            **turn_states(around),
            **promote_states(around),
            **tidy_states(around),
            **undo_states(around),
            "Not started": fail("SoundVae.NotStarted"),
            "Training failed": fail("SoundVae.TrainingFailed"),
            "Promotion failed": fail("SoundVae.PromotionFailed"),
        },
    }
