"""What is asked, in the order of the report."""

from typing import NamedTuple


class Question(NamedTuple):
    """A question with a yes if all is well; `only_aws` if a stand-in for AWS cannot answer it."""

    text: str
    only_aws: bool = False


QUESTIONS = {
    "images": Question("Do the images exist, under these tags?", only_aws=True),
    "quotas": Question(
        "Do the account's quotas suffice for a serverless endpoint of concurrency 5 and for "
        "training?",
        only_aws=True,
    ),
    "deploys": Question("Does `cdk deploy` make a stage of its own?"),
    "definitions": Question(
        "Does ValidateStateMachineDefinition find the definitions faultless?", only_aws=True
    ),
    "propagation": Question(
        "Are the permissions in force when the first execution needs them?", only_aws=True
    ),
    "wrong_input": Question("Does a mistake in the input end the execution with a sentence?"),
    "list_bucket": Question(
        "Does ListBucket with a condition on the prefix let the roles in?", only_aws=True
    ),
    "serving_image": Question(
        "Does the serving image, with the starter, answer on a serverless endpoint?", only_aws=True
    ),
    "undo": Question("Is a promotion undone whose model makes no sound?"),
    "undo_config": Question(
        "Does UpdateEndpoint go back to the config that CloudFormation made?", only_aws=True
    ),
    "training": Question("Does an execution train and promote?"),
    "checkpoints": Question(
        "Does the optimised integration pass CheckpointConfig on?", only_aws=True
    ),
    "spot": Question(
        "Does the optimised integration pass EnableManagedSpotTraining on?", only_aws=True
    ),
    "summary": Question(
        "Is summary.json in checkpoints/ when the state machine looks for it?", only_aws=True
    ),
    "metrics": Question("Is FinalMetricDataList there when the job has ended?", only_aws=True),
    "listens": Question("Does the endpoint answer with a WAV file in a label of the new model?"),
    "bad_request": Question(
        "Does a request that cannot be answered say why (ModelError 424, originally 400)?"
    ),
    "deploy_while_listening": Question(
        "Does a deploy end well that begins while a promotion listens to its model?"
    ),
    "deploy_while_updating": Question(
        "Does a deploy wait that begins while a promotion updates the endpoint, and end well?",
        only_aws=True,
    ),
    "record": Question("Did the endpoint serve what is recorded, whenever that was looked at?"),
    "removed": Question("Does `cdk destroy` leave only what docs/settings.md says?"),
}
