"""The CDK's AwsCustomResource: calls by the SDK's names, under the function's role, as it comes."""

import io
import json
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.local.deployment import Client, MakeRole, settled, why


@pytest.fixture(scope="module")
def function(client: Client, make_role: MakeRole) -> str:
    """The ARN of the shared function, whose role may read parameters and look at stacks."""
    role = make_role(
        "custom",
        "lambda.amazonaws.com",
        {"Action": ["ssm:GetParameter*", "cloudformation:DescribeStacks"], "Resource": "*"},
        {"Action": "logs:DescribeLogGroups", "Resource": "*"},
        {"Action": "events:DescribeRule", "Resource": "*"},
        {"Action": "states:DescribeStateMachine", "Resource": "*"},
        {"Action": "sagemaker:InvokeEndpoint", "Resource": "*"},
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("index.js", "")
    made = client("lambda").create_function(
        FunctionName="custom",
        Role=role,
        Runtime="nodejs22.x",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=120,
    )
    client("ssm").put_parameter(Name="/custom", Value="v", Type="String")
    return made["FunctionArn"]


@pytest.fixture
def outcome(client: Client, function: str, request: pytest.FixtureRequest) -> Any:
    """Makes a call in a stack of its own; returns the output of an attribute, or the reasons."""
    made: list[str] = []

    def make(attribute: str, **call: Any) -> str:
        name = f"custom-{abs(hash(request.node.name))}-{len(made)}"
        made.append(name)
        properties = {
            "ServiceToken": function,
            "Create": json.dumps({"physicalResourceId": {"id": "x"}, **call}),
        }
        template = {
            "Resources": {"Call": {"Type": "Custom::AWS", "Properties": properties}},
            "Outputs": {"Value": {"Value": {"Fn::GetAtt": ["Call", attribute]}}},
        }
        api = client("cloudformation")
        api.create_stack(StackName=name, TemplateBody=json.dumps(template))
        if settled(client, name) != "CREATE_COMPLETE":
            return why(client, name)
        (stack,) = api.describe_stacks(StackName=name)["Stacks"]
        return stack["Outputs"][0]["OutputValue"]

    return make


@pytest.mark.parametrize("service", ["SSM", "ssm", "@aws-sdk/client-ssm"])
@pytest.mark.parametrize("action", ["getParameter", "GetParameter", "GetParameterCommand"])
def test_services_and_actions_go_by_all_their_names(
    outcome: Any, service: str, action: str
) -> None:
    call = {"service": service, "action": action, "parameters": {"Name": "/custom"}}
    assert outcome("Parameter.Value", **call) == "v"


@pytest.mark.parametrize(
    ("service", "action", "parameters"),
    [
        ("CloudFormation", "describeStacks", {"StackName": "no-such"}),
        ("@aws-sdk/client-cloudwatch-logs", "DescribeLogGroupsCommand", {}),
        ("CloudWatchLogs", "describeLogGroups", {}),
        ("eventbridge", "DescribeRule", {"Name": "no-such"}),
        ("sfn", "DescribeStateMachine", {"stateMachineArn": "no-such"}),
        ("StepFunctions", "describeStateMachine", {"stateMachineArn": "no-such"}),
        ("@aws-sdk/client-sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "no-such"}),
    ],
)
def test_services_whose_names_differ_are_found(
    outcome: Any, service: str, action: str, parameters: dict[str, Any]
) -> None:
    call = {"service": service, "action": action, "parameters": parameters}
    said = outcome("nothing", **call, ignoreErrorCodesMatching=".*")
    assert "Vendor response doesn't contain nothing attribute" in said, "the call was made"


def test_what_does_not_exist_is_a_sentence(outcome: Any) -> None:
    assert "Package @aws-sdk/client-nothing does not exist" in outcome(
        "x", service="nothing", action="x"
    )
    assert "Unable to find command named: GetSoundCommand" in outcome(
        "x", service="ssm", action="getSound"
    )


def test_it_is_the_functions_role_that_calls(outcome: Any) -> None:
    denied = outcome("x", service="S3", action="listBuckets")
    assert "not authorized" in denied or "Access" in denied


def test_a_call_takes_as_long_as_its_function_may(client: Client, outcome: Any) -> None:
    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            time.sleep(1.5)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    call = {"service": "SSM", "action": "getParameter", "parameters": {"Name": "/custom"}}
    with HTTPServer(("127.0.0.1", 0), Slow) as server, pytest.MonkeyPatch.context() as patch:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        patch.setattr(
            "local.aws.endpoint_url",
            lambda: f"http://127.0.0.1:{server.server_port}",
        )
        client("lambda").update_function_configuration(FunctionName="custom", Timeout=1)
        assert "longer than the 1 seconds" in outcome("x", **call)
        client("lambda").update_function_configuration(FunctionName="custom", Timeout=120)
        assert "Vendor response" in outcome("x", **call)
        server.shutdown()


def test_a_long_response_is_refused_unless_a_part_is_chosen(client: Client, outcome: Any) -> None:
    client("ssm").put_parameter(Name="/custom-long", Value="x" * 4000, Type="String")
    call = {"service": "SSM", "action": "getParameters"}
    names = {"parameters": {"Names": ["/custom", "/custom-long", "/none"]}}
    assert "Response object is too long" in outcome("Parameters.0.Name", **call, **names)
    chosen = {"outputPaths": ["InvalidParameters"]}
    assert outcome("InvalidParameters.0", **call, **names, **chosen) == "/none"
