"""What holds for every state machine: its graph is whole, its expressions are right, waits end."""

import re
from collections.abc import Iterator
from typing import Any

import jsonata
import pytest

from infra.pipeline import definition as definition_file
from infra.pipeline.patience import looks_within

MACHINES = (
    "sound-vae",
    "sound-vae--endpoint",
    "sound-vae--preparation",
    "sound-vae--generation",
    "sound-vae--removal",
    "sound-vae--deployment",
    "birds",
    "birds--upload",
)
FORBIDDEN_IN_NAMES = re.compile(r"[^A-Za-z0-9 ,?'-]")


def scopes(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The states of the top level, of every branch and of every Map."""
    yield machine["States"]
    for state in machine["States"].values():
        for part in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from scopes(part)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("name", MACHINES)
def test_the_graph_is_whole(definitions: dict[str, Any], name: str) -> None:
    seen: list[str] = []
    for states in scopes(definitions[name]):
        seen += states
        reached = {next(iter(states))}
        for state_name, state in states.items():
            assert len(state_name) <= 80
            assert not FORBIDDEN_IN_NAMES.search(state_name), state_name
            followers = {state.get("Next"), state.get("Default")}
            followers |= {
                rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", [])
            }
            reached |= followers - {None}
            ends = state["Type"] in ("Succeed", "Fail") or state.get("End")
            assert ends or followers - {None}, state_name
        assert reached == set(states)
    assert len(seen) == len(set(seen)), "a state's name is its address in the history"


def test_the_top_level_can_be_seen_at_a_glance(definition: dict[str, Any]) -> None:
    assert len(definition["States"]) <= 13


@pytest.mark.parametrize("name", MACHINES)
def test_every_task_has_an_end_and_so_has_the_execution(
    definitions: dict[str, Any], name: str
) -> None:
    assert definitions[name]["TimeoutSeconds"] > 0
    for states in scopes(definitions[name]):
        for state_name, state in states.items():
            assert state["Type"] != "Task" or "TimeoutSeconds" in state, state_name


@pytest.mark.parametrize("name", MACHINES)
def test_every_task_is_retried_or_caught_when_aws_hiccups(
    definitions: dict[str, Any], name: str
) -> None:
    for states in scopes(definitions[name]):
        for state_name, state in states.items():
            if state["Type"] == "Task" and state_name != "Train the model":  # which is tried anew
                assert "Retry" in state or "Catch" in state, state_name


def test_every_block_catches_what_states_all_leaves_out(definition: dict[str, Any]) -> None:
    for name in ("Check the input", "Prepare", "Train", "Promote"):
        rules = [rule["ErrorEquals"] for rule in definition["States"][name]["Catch"]]
        assert rules == [["States.DataLimitExceeded"], ["States.ALL"]], name


@pytest.mark.parametrize("name", MACHINES)
def test_expressions_parse_and_avoid_what_step_functions_forbids(
    definitions: dict[str, Any], name: str
) -> None:
    found = [text for text in texts(definitions[name]) if text.startswith("{%")]
    assert found
    for expression in found:
        assert expression.endswith("%}")
        jsonata.Jsonata(expression[2:-2])
        bare = re.sub(r"/\*.*?\*/", "", expression, flags=re.DOTALL)
        bare = re.sub(r"'[^']*'|\"(\\.|[^\"\\])*\"|/(\\.|[^/\\\n])+/", "", bare)
        assert not re.search(r"\$(?![A-Za-z_])|\$eval", bare), expression


@pytest.mark.parametrize("name", MACHINES)
def test_no_value_is_left_to_be_filled_in(definitions: dict[str, Any], name: str) -> None:
    assert not [text for text in texts(definitions[name]) if "${" in text and "AWS::" not in text]


def test_every_expression_in_a_file_is_used() -> None:
    sources = [
        file.read_text()
        for file in (*definition_file.FOLDER.glob("*.yaml"), *definition_file.QUERIES.iterdir())
    ]
    for file in definition_file.QUERIES.iterdir():
        assert any(f"${{{file.name}}}" in source for source in sources), file.name


def test_a_value_alone_keeps_its_type_and_nothing_leaves_its_key_out(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "both.jsonata").write_text("${One} in ${Many}\n")
    (tmp_path / "some.asl.yaml").write_text(
        "A: ${Many}\nB: ${Nothing}\nC: 'x ${One} y'\nD: '{% ${both.jsonata} %}'\n"
    )
    monkeypatch.setattr(definition_file, "FOLDER", tmp_path)
    monkeypatch.setattr(definition_file, "QUERIES", tmp_path / "queries")
    values = {"Many": [1, 2], "Nothing": None, "One": 1}
    expected = {"A": [1, 2], "C": "x 1 y", "D": "{% 1 in [1, 2] %}"}
    assert definition_file.definition("some", values) == expected
    with pytest.raises(KeyError):
        definition_file.definition("some", {})


@pytest.mark.parametrize("minutes", [1, 10, 30, 120])
@pytest.mark.parametrize(("first", "step"), [(2, 1), (10, 5)])
def test_the_looks_within_some_minutes_take_that_long_and_hardly_longer(
    minutes: int, first: int, step: int
) -> None:
    looks = looks_within(minutes, first=first, step=step)
    waited = sum(min(30, first + step * n) for n in range(looks))
    assert minutes * 60 <= waited < minutes * 60 + 30
