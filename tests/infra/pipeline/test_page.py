"""docs/pipeline.md is what the definitions are, and knows every sentence that an execution says."""

import re

import pytest

from infra.pipeline import page
from infra.pipeline.definition import FOLDER, QUERIES
from infra.pipeline.sentences import SECTIONS

# the expressions that make sentences for whoever started the execution
SAYING = [
    *("attempt", "failure", "input_problems", "missing", "not_undone", "not_updated"),
    *("out_of_turn", "preparation_failure", "preparing", "training_failure", "undone", "verdict"),
    *("not_in_bulk", "not_known", "not_requests", "too_many_sounds"),
    *("transform_attempt", "transform_failure"),
]
SAID = [sentence.says for _, _, sentences in SECTIONS for sentence in sentences]


def literals(text: str) -> list[str]:
    """What an expression says, in pieces between the values that it fills in."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"'\s*&\s*'", "", text)  # one text in several lines
    found = re.findall(r"'([^'\n]*)'", text)
    return [part for one in found for part in re.split(r"\$\{\w+\}", one) if part.strip(" .:;()")]


def file_of(name: str) -> str:
    return (QUERIES / f"{name}.jsonata").read_text(encoding="utf-8")


def test_the_page_is_up_to_date() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "python -m infra.pipeline.page"


def test_the_picture_shows_the_top_level_as_it_is() -> None:
    png = page.PICTURE.read_bytes()
    assert png.startswith(b"\x89PNG")
    assert len(png) < 300_000
    assert page.mark_of(png) == page.picture_of(), (
        "render the page's first diagram and give it to `python -m infra.pipeline.page FILE.png`"
    )


def test_a_picture_says_what_it_was_rendered_from() -> None:
    png = page.PICTURE.read_bytes()
    assert page.mark_of(page.marked(png, "flowchart LR")) == "flowchart LR"
    with pytest.raises(ValueError, match="does not say"):
        page.mark_of(b"\x89PNG")


@pytest.mark.parametrize("name", SAYING)
def test_every_sentence_of_an_expression_is_on_the_page(name: str) -> None:
    page_text = " ".join(SAID)
    said = [one for one in literals(file_of(name)) if len(one.split()) >= 3]
    for literal in said:
        assert literal.strip(" .:;()") in page_text, literal


def failures() -> list[str]:
    """The sentences that stand in the definitions themselves, and what their blocks are called."""
    text = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.yaml"))
    said = re.findall(r"^\s+(?:sentence|Cause|why): ([^\"{\n].*)$", text, re.MULTILINE)
    said = [one for one in said if one != "The stack is being removed."]  # nobody's failure
    return said + re.findall(r"\$did := '([^']+)'", text)


def test_every_sentence_of_a_definition_is_on_the_page() -> None:
    found = failures()
    assert len(found) >= 6
    for sentence in found:
        assert re.sub(r"\$\{\w+\}", "…", sentence) in " ".join(SAID)


@pytest.mark.parametrize("sentence", SAID)
def test_no_sentence_is_on_the_page_that_is_said_no_more(sentence: str) -> None:
    if sentence == "…any other reason":
        return
    said = [one for name in SAYING for one in literals(file_of(name))]
    said += [part for one in failures() for part in re.split(r"\$\{\w+\}", one)]
    said += literals(file_of("sentence"))
    heard = {one.strip() for one in said if len(one.strip()) > 4 and one.strip() in sentence}
    words = sum(len(one.split()) for one in heard)
    assert words >= min(3, len(sentence.split()) - 1), heard
