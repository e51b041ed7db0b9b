"""All checks, in an order in which each finds what it needs, and the removal of the stage."""

from pathlib import Path

from smoke import (
    cdk,
    definitions,
    deploy_during_promotion,
    first_execution,
    images,
    listening,
    quotas,
    remains,
)
from smoke.answers import Answers, Found, NotAnsweredError
from smoke.deploy_during_promotion import LISTENING, UPDATING
from smoke.once import Once
from smoke.stage import Stage
from smoke.tones import PITCHES
from smoke.training import Training
from smoke.undo import Undo

STARTER_LABEL = "seven"


def go(stage: Stage, answers: Answers, instance_types: list[str]) -> None:
    """Deploy, ask, train, ask, deploy again."""
    assembly = Once(lambda: stage.synth("first"))
    answers.ask("images", lambda: images.exist(stage.account, assembly()))
    answers.ask("quotas", lambda: quotas.suffice(stage.account, instance_types))
    answers.ask("deploys", lambda: _deploy(stage, assembly()))

    first = Once(lambda: first_execution.start(stage))
    answers.ask("propagation", lambda: first_execution.was_let_in(stage, first()))
    answers.ask("wrong_input", lambda: first_execution.says_what_is_wrong(first()))
    answers.ask("definitions", lambda: definitions.faultless(stage))
    answers.ask("serving_image", lambda: listening.hears(stage, {"label": STARTER_LABEL}))

    undo = Once(lambda: Undo(stage))  # before anything is promoted: back to the first config
    answers.ask("undo", lambda: _looked(stage, "after the undo", undo().worked()))
    answers.ask("undo_config", lambda: undo().went_back())

    training = Once(lambda: Training(stage, instance_types))
    answers.ask("training", lambda: _looked(stage, "after training", training().worked()))
    answers.ask("checkpoints", lambda: training().has_checkpoints())
    answers.ask("spot", lambda: training().was_spot())
    answers.ask("summary", lambda: training().summary_came())
    answers.ask("metrics", lambda: training().metrics_came())
    answers.ask("list_bucket", lambda: training().was_let_into_the_bucket())
    answers.ask("listens", lambda: listening.hears(stage, {"label": next(iter(PITCHES))}))
    answers.ask("bad_request", lambda: listening.is_told_what_is_wrong(stage, list(PITCHES)))

    answers.ask(
        "deploy_while_listening",
        lambda: _deploy_during(stage, training().served_now(), 4096, LISTENING),
    )
    # it may wait for a quarter of an hour, so it comes last
    answers.ask(
        "deploy_while_updating",
        lambda: _deploy_during(stage, training().served_before(), 5120, UPDATING),
    )
    answers.ask("record", lambda: _record(stage))


def leave(stage: Stage, answers: Answers) -> None:
    """Remove the stage and look at what remains."""
    answers.ask("removed", lambda: _remove(stage))


def _deploy(stage: Stage, assembly: Path) -> Found:
    bootstrapped = stage.bootstrap()
    try:
        stage.deploy(assembly)
    except cdk.CdkError as error:
        return Found(False, str(error))
    seen = "after `cdk bootstrap`, which was missing" if bootstrapped else "bootstrapped before"
    stage.look("after the deployment")
    return Found(True, f"{stage.stack}, {seen}")


def _looked(stage: Stage, when: str, found: Found) -> Found:
    stage.look(when)
    return found


def _deploy_during(stage: Stage, model: dict[str, str], memory_mb: int, moment: str) -> Found:
    found = deploy_during_promotion.ends_well(stage, model, memory_mb, moment)
    return _looked(stage, f"after a deployment at “{moment}”", found)


def _record(stage: Stage) -> Found:
    if not stage.looked:
        raise NotAnsweredError("nobody looked")
    return Found(not stage.looks, "; ".join(stage.looks) or f"it did, {stage.looked} times")


def _remove(stage: Stage) -> Found:
    failure = ""
    try:
        stage.destroy()
    except cdk.CdkError as error:
        failure = f"{error}. Now {stage.by_hand()} "
    found = remains.only_what_the_page_says(stage)
    return Found(found.yes and not failure, failure + found.seen)
