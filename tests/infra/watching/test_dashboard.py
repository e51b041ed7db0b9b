"""The dashboard shows what one looks for, of this stack alone."""

import json
import re
from typing import Any

import pytest

from tests.infra.conftest import Synthesise
from tests.infra.reading import plain, the

# as AWS lists what a training job writes: `{namespace,dimension} name` of every metric
SCHEMA = '{"/aws/sagemaker/TrainingJobs",TrainingJobName}'


def expressions(template: dict[str, Any]) -> list[str]:
    body = json.loads(plain(the(template, "AWS::CloudWatch::Dashboard")["DashboardBody"]))
    return [
        metric[0]["expression"]
        for widget in body["widgets"]
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], dict)
    ]


def test_the_dashboard_shows_training_requests_errors_times_and_cold_starts(
    template: dict[str, Any],
) -> None:
    shown = json.dumps(plain(the(template, "AWS::CloudWatch::Dashboard")["DashboardBody"]))
    for name in (
        "val_loss",
        "train_loss",
        "Invocations",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "ModelLatency",
        "ModelSetupTime",
        "OverheadLatency",
        "ExecutionsFailed",
        "ExecutionsTimedOut",
    ):
        assert name in shown, name


def test_its_name_holds_the_region_as_dashboards_are_known_in_the_whole_account(
    synthesise: Synthesise, template: dict[str, Any]
) -> None:
    assert the(template, "AWS::CloudWatch::Dashboard")["DashboardName"] == "sound-vae-us-east-1"
    link = template["Outputs"]["DashboardConsole"]["Value"]
    assert link.endswith("region=us-east-1#dashboards/dashboard/sound-vae-us-east-1")
    birds = synthesise(region="eu-west-1", name="birds")
    assert the(birds, "AWS::CloudWatch::Dashboard")["DashboardName"] == "birds-eu-west-1"


@pytest.mark.parametrize("metric", ["val_loss", "train_loss"])
def test_a_search_names_the_metric_exactly_and_the_dimension_of_a_jobs_own_metrics(
    template: dict[str, Any], metric: str
) -> None:
    # without its quotes the name matches parts of others: val_loss_best, for one
    assert (
        f"""SEARCH('{SCHEMA} MetricName="{metric}" TrainingJobName=sound-vae', 'Average', 60)"""
        in (expressions(template))
    )


@pytest.mark.parametrize(
    ("job", "found"),
    [
        ("sound-vae--monday-1a2b3c4d", True),
        ("another-sound-vae--monday-1a2b3c4d", True),  # SEARCH knows no beginning: not to be helped
        ("sound--vae-monday-1a2b3c4d", True),  # nor how long a delimiter is
        ("sound-and-vae--monday-1a2b3c4d", False),
        ("vae-sound--monday-1a2b3c4d", False),
        ("birds--monday-1a2b3c4d", False),
    ],
)
def test_a_search_finds_the_jobs_of_this_stack(
    template: dict[str, Any], job: str, found: bool
) -> None:
    """CloudWatch cuts names and terms into tokens; a term of several finds them side by side."""
    for expression in expressions(template):
        term = re.search(r"TrainingJobName=([^' ]+)", expression)
        assert term is not None
        wanted, tokens = (re.findall("[a-z]+|[0-9]+", text) for text in (term[1], job))
        starts = range(len(tokens) - len(wanted) + 1)
        assert any(tokens[i : i + len(wanted)] == wanted for i in starts) is found
