"""SageMaker's logs are kept as long as the settings say, and outlive the stack."""

import re
from typing import Any

from botocore.session import Session

from infra.settings import LOG_RETENTION_DAYS
from tests.infra.reading import calls_of

GROUPS = {
    "/aws/sagemaker/TrainingJobs",
    "/aws/sagemaker/ProcessingJobs",
    "/aws/sagemaker/TransformJobs",
    "/aws/sagemaker/Endpoints/birds",
}


def calls(template: dict[str, Any]) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """(action, log group) -> (logical id, event -> call)."""
    found: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for name, event, call in calls_of(template):
        if call["service"] == "CloudWatchLogs":
            key = (call["action"], call["parameters"]["logGroupName"])
            found.setdefault(key, (name, {}))[1][event] = call
    return found


def test_nothing_is_set_by_default(template: dict[str, Any]) -> None:
    assert not calls(template)


def test_each_group_is_made_if_it_is_missing_and_then_keeps_its_events_so_long(
    everything: dict[str, Any],
) -> None:
    found = calls(everything)
    assert {group for _, group in found} == GROUPS
    for group in GROUPS:
        made, events = found["CreateLogGroup", group]
        assert events["Create"] == events["Update"]
        assert events["Create"]["ignoreErrorCodesMatching"] == "ResourceAlreadyExistsException"
        kept, events = found["PutRetentionPolicy", group]
        assert events["Create"] == events["Update"]
        assert events["Create"]["parameters"]["retentionInDays"] == 30
        assert made in everything["Resources"][kept]["DependsOn"]


def test_the_groups_outlive_the_stack(everything: dict[str, Any]) -> None:
    found = calls(everything).values()
    assert found
    assert all("Delete" not in events for _, events in found)


def test_the_setting_takes_what_aws_takes() -> None:
    days = Session().get_service_model("logs").shape_for("Days").documentation
    listed = days.split("Possible values are: ")[1].split(".")[0]
    assert tuple(map(int, re.findall("[0-9]+", listed))) == LOG_RETENTION_DAYS
