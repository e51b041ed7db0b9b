"""Whatever settings and hyperparameters say, they are accepted or refused in a sentence."""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from infra.settings import KEY, Settings, SettingsError
from trust import ROOT
from trust.promise import Promise, for_all

SCHEMAS: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "training" / "hyperparameters.json").read_text(encoding="utf-8")
)
texts = st.text(st.characters(exclude_characters="\0"), max_size=20) | st.sampled_from(
    [
        "",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1_0",
        " 5 ",
        "٣",
        "0x10",
        "true",
        "None",
        "--epochs",
        "=",
        "%s",
    ]
)
numbers = st.integers(-(10**30), 10**30) | st.floats()
values = texts | st.builds(str, numbers | st.booleans())


def right(schema: dict[str, Any]) -> SearchStrategy[str]:
    """Make text of a value near what the schema asks for, within its limits or just beyond."""
    if schema["type"] == "integer":
        limits = (schema["minimum"], schema["maximum"])
        return st.integers(*limits).map(str) | st.sampled_from(
            [str(limit + step) for limit in limits for step in (-1, 0, 1)]
        )
    if schema["type"] == "number":
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        return (st.floats(low, schema["maximum"]) | st.sampled_from([low, schema["maximum"]])).map(
            str
        )
    return st.sampled_from(schema.get("enum", ["true", "false", "True"]))


@st.composite
def arguments(draw: st.DrawFn) -> list[str]:
    """Draw hyperparameters as SageMaker hands them over: two arguments each."""
    chosen = draw(st.lists(st.sampled_from(sorted(SCHEMAS)), max_size=5, unique=True))
    pairs = []
    for name in chosen:
        wrong = draw(st.integers(0, 5)) == 0
        pairs += [f"--{name}", draw(values if wrong else right(SCHEMAS[name]))]
    if draw(st.integers(0, 9)) == 0:
        pairs += [f"--{draw(texts)}", draw(values)]
    return pairs


def parse(drawn: list[str], outcomes: Counter[str]) -> None:
    """Check that what is accepted is within its limits, and what is refused is refused plainly."""
    from sound_vae.fit.arguments import parse as parse_arguments
    from sound_vae.model.spectrogram import Transform

    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            args = parse_arguments(["--data", "d", "--model-dir", "m", *drawn], "")
    except SystemExit as ended:
        if ended.code:  # 0: help was asked for
            sentence = errors.getvalue().splitlines()[-1]
            assert "error: " in sentence, errors.getvalue()
            assert "Traceback" not in errors.getvalue()
        outcomes["refused"] += 1
        return
    for name, schema in SCHEMAS.items():
        value = getattr(args, name)
        if value is None:
            continue
        assert value >= schema.get("minimum", value), (name, value)
        assert value <= schema.get("maximum", value), (name, value)
        assert "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"]
        assert value in schema.get("enum", [value]), (name, value)
    try:
        transform = Transform.choose(
            args.sample_rate or 8000,
            args.clip_seconds or 1.0,
            n_fft=args.n_fft,
            hop_length=args.hop_length,
        )
    except ValueError as error:  # train.py makes it a sentence
        assert " " in str(error)
        outcomes["refused"] += 1
        return
    assert transform.frames > 0
    outcomes["accepted"] += 1


def _read(drawn: dict[str, Any], outcomes: Counter[str]) -> None:
    try:
        settings = Settings.from_context(drawn)
    except SettingsError as error:
        assert str(error).endswith("."), error
        outcomes["refused"] += 1
        return
    assert isinstance(settings, Settings)
    outcomes["accepted"] += 1


def contexts() -> SearchStrategy[dict[str, Any]]:
    """Values of cdk.json and of -c, right and wrong, under names right and wrong."""
    wrong = values | numbers | st.booleans() | st.none() | st.lists(texts, max_size=3)
    whole = st.integers(0, 1000)
    own: dict[str, SearchStrategy[Any]] = {}
    for setting in fields(Settings):
        default = st.just(setting.default)
        as_json = default.map(lambda value: list(value) if isinstance(value, tuple) else value)
        own[KEY + setting.name] = as_json | default.map(str) | whole | whole.map(str) | wrong
    few = st.lists(st.sampled_from(sorted(own)), max_size=4, unique=True)
    right_names = few.flatmap(lambda names: st.fixed_dictionaries({n: own[n] for n in names}))
    return right_names | st.dictionaries(
        texts | texts.map(lambda text: KEY + text) | st.sampled_from(sorted(own)), wrong, max_size=2
    )


def _checked(
    strategy: SearchStrategy[Any], holds: Callable[[Any, Counter[str]], None]
) -> Callable[[int], str]:
    def check(attempts: int) -> str:
        outcomes: Counter[str] = Counter()
        for_all(strategy, lambda drawn: holds(drawn, outcomes), attempts)
        total = outcomes.total()
        return (
            f"{total:,} of {total:,}: {outcomes['accepted']:,} accepted, "
            f"{outcomes['refused']:,} refused in a sentence"
        )

    return check


PROMISES = [
    Promise(
        "Hyperparameters are accepted within their limits or refused in a sentence.",
        "Hyperparameters of all kinds, right, wrong and just beyond their limits, to train.py's "
        "command line",
        3000,
        _checked(arguments(), parse),
    ),
    Promise(
        "So are the settings of a deployment.",
        "Settings of all kinds, as cdk.json and -c would hand them over",
        3000,
        _checked(contexts(), _read),
    ),
]
