"""Draws a state machine's definition as Mermaid's text, which the page of the pipeline shows."""

from collections.abc import Iterator, Mapping
from typing import Any

SHAPES = {
    "Task": ("[", "]"),
    "Pass": ("[", "]"),
    "Choice": ("{{", "}}"),  # hexagons: a rhombus grows with the square of its text
    "Parallel": ("[[", "]]"),
    "Map": ("[[", "]]"),
    "Wait": ("[/", "/]"),
    "Succeed": ("([", "])"),
    "Fail": ("([", "])"),
}
STYLES = {"Choice": "#b7791f", "Succeed": "#2f855a", "Fail": "#c53030"}  # outlines, on any theme


def drawing(*machines: Mapping[str, Any]) -> str:
    """Draw machines or branches, each `{StartAt, States}`, side by side.

    Raises KeyError for an answer of a Choice state that says nothing in its `Comment`.
    """
    lines, number, styled = ["flowchart TD"], 0, dict.fromkeys(STYLES, "")
    for machine in machines:
        ids: dict[str, str] = {}
        for name, state in machine["States"].items():
            ids[name], number = f"s{number}", number + 1
            before, after = SHAPES[state["Type"]]
            lines.append(f"  {ids[name]}{before}{_quoted(name)}{after}")
            if state["Type"] in styled:
                styled[state["Type"]] += f",{ids[name]}"
        for name, state in machine["States"].items():
            for line, label, follower in arrows(state):
                said = f"|{_quoted(label)}|" if label else ""
                lines.append(f"  {ids[name]} {line}{said} {ids[follower]}")
    for kind, color in STYLES.items():
        if styled[kind]:
            lines.append(f"  classDef {kind} stroke:{color},stroke-width:2px")
            lines.append(f"  class {styled[kind].strip(',')} {kind}")
    return "\n".join(lines)


def arrows(state: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield line, label and follower; what catches errors in several ways has one arrow."""
    if "Next" in state:
        yield "-->", "", state["Next"]
    for rule in state.get("Choices", []):
        yield "-->", rule["Comment"], rule["Next"]
    if "Default" in state:
        yield "-->", "otherwise", state["Default"]
    for follower in dict.fromkeys(rule["Next"] for rule in state.get("Catch", [])):
        if follower != state.get("Next"):
            yield "-.->", "error", follower


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "#quot;") + '"'
