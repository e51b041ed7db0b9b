"""Executions of one definition do not disturb each other, although it is parsed once."""

import json
import time

from tests.local.deployment import Client, MakeRole


def test_executions_of_one_definition_at_once_each_have_their_own_data(
    client: Client, make_role: MakeRole
) -> None:
    api = client("stepfunctions")
    role = make_role("parsed-once", "states.amazonaws.com")
    branches = [
        {
            "StartAt": name,
            "States": {name: {"Type": "Pass", "Output": "{% $number * 2 %}", "End": True}},
        }
        for name in ("This", "That")
    ]
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Keep",
        "States": {
            "Keep": {
                "Type": "Pass",
                "Assign": {"number": "{% $states.input.number %}"},
                "Next": "Wait",
            },
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Both"},
            "Both": {"Type": "Parallel", "Branches": branches, "End": True},
        },
    }
    machine = api.create_state_machine(
        name="parsed-once", definition=json.dumps(definition), roleArn=role
    )["stateMachineArn"]
    started = {
        number: api.start_execution(stateMachineArn=machine, input=json.dumps({"number": number}))[
            "executionArn"
        ]
        for number in range(8)
    }
    for number, execution in started.items():
        while (found := api.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.05)
        assert json.loads(found["output"]) == [2 * number] * 2
