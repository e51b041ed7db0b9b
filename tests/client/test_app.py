"""What every command has in common."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from client import stand_in
from client.app import app, main, switches_first

REPOSITORY = Path(__file__).parents[2]
# the program without any installed package
RUN = (
    "import runpy; del sys.argv[0]; module = sys.argv[0] == '-m' and sys.argv.pop(0); "
    "(runpy.run_module if module else runpy.run_path)(sys.argv[0], run_name='__main__')"
)
ROOT = typer.main.get_command(app)
assert isinstance(ROOT, TyperGroup)
COMMANDS = ROOT.commands


def commands_in(text: str) -> list[str]:
    """What is typed after `soundvae`, wherever it is shown; two on a line are two."""
    typed = re.sub(r"\s#.*", "", text)  # comments
    return re.findall(r"soundvae +((?:[^\s`&|;\"()]+ *)+)", typed)


def parse(typed: str) -> None:
    """Raises TyperException unless it is a command with options that there are."""
    assert isinstance(ROOT, TyperGroup)
    words = shlex.split(typed)
    context = ROOT.make_context("soundvae", words, resilient_parsing=False)
    name, command, rest = ROOT.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None
    command.make_context(name, list(rest), parent=context)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_its_help_has_an_example_that_can_be_typed(name: str) -> None:
    said = COMMANDS[name].help or ""
    [example] = re.findall(r"Example: (soundvae .+)", said)
    assert re.search(rf"soundvae (--local )?{name}\b", example)
    for typed in commands_in(example):
        parse(typed)


PAGES = [
    REPOSITORY / page
    for page in ("README.md", "docs/soundvae.md", "docs/studio.md", "demo/__main__.py")
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_can_be_typed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = text if page.suffix == ".py" else "\n".join(re.findall(r"```sh\n(.*?)```", text, re.S))
    typed = commands_in(blocks)
    assert typed
    for one in typed:
        parse(one)


def test_a_command_that_is_not_there_is_refused() -> None:
    with pytest.raises(TyperException):
        parse("sing seven")
    with pytest.raises(TyperException):
        parse("say seven --loud")


def test_switches_may_stand_after_the_command() -> None:
    typed = ["say", "seven", "--local", "-o", "digits", "--json"]
    assert switches_first(typed) == ["--local", "--json", "say", "seven", "-o", "digits"]


@pytest.mark.parametrize("as_json", [False, True])
def test_what_goes_wrong_is_one_sentence_and_exit_code_1(
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(stand_in.use, "__defaults__", (tmp_path,))
    before = ["soundvae", *(["--json"] if as_json else []), "--local", "runs"]
    monkeypatch.setattr("sys.argv", before)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr()
    sentence = "The stand-in is not running: start it with `soundvae up`."
    if as_json:
        assert json.loads(said.out) == {"error": sentence}
    else:
        assert said.err == f"error: {sentence}\n"


@pytest.mark.parametrize("start", [["app.py"], ["-m", "local"], ["-m", "client"]], ids="-".join)
def test_another_python_is_told_which_one_would_do(start: list[str]) -> None:
    bare = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {RUN}", *start]
    done = subprocess.run(
        bare, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"(error: )?\w+ is missing or too old for .*: run `make synth` once, .*\n", done.stderr
    )
