"""The dashboard shows what one looks for."""

import json
from typing import Any

from tests.infra.reading import plain, the


def test_the_dashboard_shows_training_requests_errors_times_and_cold_starts(
    template: dict[str, Any],
) -> None:
    dashboard = the(template, "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "sound-vae"
    body = json.loads(plain(dashboard["DashboardBody"]))
    shown = json.dumps(body)
    for name in (
        "MetricName=val_loss Host=(sound AND vae)",
        "MetricName=train_loss",
        "Invocations",
        "Invocation4XXErrors",
        "Invocation5XXErrors",
        "ModelLatency",
        "ModelSetupTime",
        "OverheadLatency",
        "ExecutionsFailed",
    ):
        assert name in shown, name
