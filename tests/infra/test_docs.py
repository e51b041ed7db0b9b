"""What the pages about the stack say is what the stack is."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from infra.settings_page import page
from tests.infra.reading import of_type, plain, the

RECIPE = Path("docs/continuous_deployment.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_a_bucket_of_ones_own_is_given_the_policy_of_ours(template: dict[str, Any]) -> None:
    (block,) = blocks(page(), "json")
    (name,) = of_type(template, "AWS::S3::Bucket")
    ours = plain(the(template, "AWS::S3::BucketPolicy")["PolicyDocument"])
    written = json.dumps(ours).replace(f"<{name}.Arn>", "arn:aws:s3:::BUCKET")
    assert json.loads(block) == json.loads(written)


def test_the_page_counts_the_alarms_that_are_paid_for(template: dict[str, Any]) -> None:
    assert f"| {len(of_type(template, 'AWS::CloudWatch::Alarm'))} alarms |" in page()


def test_the_recipe_s_trust_is_for_one_branch_of_one_repository() -> None:
    trust, permissions = (json.loads(block) for block in blocks(RECIPE, "json"))
    (statement,) = trust["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:OWNER/REPOSITORY:ref:refs/heads/main",
        }
    }
    (statement,) = permissions["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    assert all("role/cdk-hnb659fds-" in role for role in statement["Resource"])
    assert "*" not in json.dumps(permissions)


def test_the_recipe_s_workflow_may_ask_for_a_token_and_asks_nobody() -> None:
    (block,) = blocks(RECIPE, "yaml")
    workflow = yaml.safe_load(block)
    assert workflow["permissions"] == {"id-token": "write", "contents": "read"}
    steps = workflow["jobs"]["deploy"]["steps"]
    assert steps[-1]["run"].endswith("cdk deploy --require-approval never")
    (role,) = (
        step["with"]["role-to-assume"] for step in steps if "role-to-assume" in step.get("with", {})
    )
    assert role.rpartition("/")[2] in "".join(blocks(RECIPE, "sh"))


def test_the_recipe_s_roles_are_those_that_this_app_s_assembly_asks_for(
    template: dict[str, Any],
) -> None:
    # images are no assets of this app, so nothing publishes any
    assert "image-publishing" not in RECIPE
    assert template["Parameters"]["BootstrapVersion"]["Default"].startswith(
        "/cdk-bootstrap/hnb659fds/"
    )
