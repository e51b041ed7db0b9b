"""Which inputs an execution accepts, and what it says to the others before it costs anything."""

import json
from typing import Any

import pytest

from infra.pipeline.definition import expression
from infra.pipeline.input_rules import input_values, must_be
from infra.settings import Settings
from infra.stack import TRAINING
from tests.infra.pipeline.evaluator import evaluate

HYPERPARAMETERS = json.loads((TRAINING / "hyperparameters.json").read_text())
RULES: dict[str, dict[str, Any]] = {
    "epochs": {"type": "integer", "minimum": 1, "maximum": 10000},
    "rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "depth": {"type": "integer", "minimum": 2},
    "preset": {"type": "string", "enum": ["default", "reference"]},
    "title": {"type": "string"},
    "flip": {"type": "boolean"},
}


def problems(given: Any, rules: dict[str, Any] = RULES) -> Any:
    values = input_values(Settings(), "my-bucket", rules)
    query = "{% " + expression("input_problems", values) + " %}"
    return evaluate(query, states={"input": given})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Comment": "Insert your JSON here"},
        {"hyperparameters": {}},
        {"hyperparameters": {"epochs": 1}},
        {"hyperparameters": {"epochs": 10000, "rate": 1, "preset": "reference"}},
        {"hyperparameters": {"epochs": 3.0, "depth": 100000, "title": "", "flip": False}},
        {"data": "audio/"},
        {"data": "audio"},
        {"data": "audio/birds/at dawn"},
        {"data": "spectrograms/"},
        {"instance_types": ["ml.g5.xlarge"]},
        {"instance_types": ["ml.p4d.24xlarge", "ml.c6i.2xlarge"]},
        {"instance_count": 1},
        {"instance_count": 16},
        {"prepare": "always"},
        {"prepare": "never", "data": "spectrograms/"},
        {"max_runtime_minutes": 1},
        {"max_runtime_minutes": 4320},
        {"spot": False},
        {"promote": "never"},
        {"Comment": "back to the start", "model": "s3://my-bucket/models/starter/model.tar.gz"},
        {"model": "s3://my-bucket/output/some-job/output/model.tar.gz"},
        {"model": "s3://my-bucket/models/starter/model.tar.gz"},
        {"generate": {"labels": {"seven": 3, "three": 1000}}},
        {"generate": {"count": 5, "seed": 0, "temperature": 0.5}, "instance_count": 16},
        {"generate": {"requests": "requests/a.jsonl"}, "instance_types": ["ml.c5.xlarge"]},
        {"generate": {"requests": "requests/a/b/"}, "Comment": "a folder"},
        {"generate": {"resume": "sound-vae--some-run-12ab"}},
        {"start_from": "served"},
        {"start_from": "s3://my-bucket/output/some-job/output/model.tar.gz", "spot": True},
    ],
)
def test_good_input_is_accepted(given: Any) -> None:
    assert problems(given) == []


SOURCES = "generate must be an object with one of labels, count, requests, resume, but is "
LABELS = (
    "generate.labels must be an object of 1 to 200 labels with how many sounds there shall be of "
    'each, such as {"seven": 1000}, but is '
)
REQUESTS = (
    "generate.requests must be a .jsonl file under requests/, or a folder there that ends in a "
    "slash, but is "
)


@pytest.mark.parametrize(
    ("generate", "sentence"),
    [
        (3, 'generate must be an object such as {"labels": {"seven": 1000}}, but is 3.'),
        ({}, SOURCES + "{}."),
        ({"seed": 1}, SOURCES + '{"seed":1}.'),
        ({"count": 1, "labels": {"a": 1}}, SOURCES + '{"count":1,"labels":{"a":1}}.'),
        ({"labels": {}}, LABELS + "{}."),
        ({"labels": ["a"]}, LABELS + '["a"].'),
        ({"labels": {"a": 0}}, LABELS + '{"a":0}.'),
        ({"labels": {"a": "1"}}, LABELS + '{"a":"1"}.'),
        ({"count": 0}, "generate.count must be a whole number of at least 1, but is 0."),
        ({"count": 1.5}, "generate.count must be a whole number of at least 1, but is 1.5."),
        (
            {"count": 1, "seed": -1},
            "generate.seed must be a whole number from 0 to 2147483647, but is -1.",
        ),
        (
            {"count": 1, "temperature": 3},
            "generate.temperature must be a number from 0 to 2, but is 3.",
        ),
        *(
            ({"requests": given}, REQUESTS + f"{json.dumps(given)}.")
            for given in ("requests/", "audio/a.jsonl", "requests/a.txt", "requests/a", 3)
        ),
        (
            {"resume": "another"},
            "generate.resume must be the name of a run, as its folder below generated/ is called, "
            'but is "another".',
        ),
        (
            {"requests": "requests/a/", "seed": 1},
            "With generate.requests the requests are there already: leave out generate.seed.",
        ),
        (
            {"count": 1, "speed": 2},
            '"speed" is not a field of generate; there are labels, count, requests, resume, seed, '
            "temperature.",
        ),
    ],
)
def test_what_is_to_be_generated_is_checked(generate: Any, sentence: str) -> None:
    assert problems({"generate": generate}) == [sentence]


def test_with_generate_nothing_is_trained() -> None:
    given = {"generate": {"count": 1}, "spot": True, "data": "audio/"}
    assert problems(given) == ["With the field generate nothing is trained: leave out spot, data."]
    assert problems({"generate": {"count": 1}, "instance_count": 17}) == [
        "instance_count must be a whole number from 1 to 16, but is 17."
    ]


RANGE = "hyperparameters.epochs must be a whole number from 1 to 10000, but is "


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "The input must be an object such as {}, but is []."),
        ("epochs", 'The input must be an object such as {}, but is "epochs".'),
        (None, "The input must be an object such as {}, but is null."),
        (
            {"epochs": 3},
            '"epochs" is not a field of the input; there are data, hyperparameters, '
            "instance_types, instance_count, prepare, spot, max_runtime_minutes, promote, "
            "start_from, model, generate, Comment. "
            'It is a hyperparameter: write {"hyperparameters": {"epochs": 3}}.',
        ),
        (
            {"hyperparameters": {"epoch": 3}},
            '"epoch" is not a hyperparameter; there are epochs, rate, depth, preset, title, flip.',
        ),
        (
            {"hyperparameters": {"toString": 3}},
            '"toString" is not a hyperparameter; there are epochs, rate, depth, preset, title, '
            "flip.",
        ),
        (
            {"hyperparameters": [1]},
            'hyperparameters must be an object such as {"epochs": 60}, but is [1].',
        ),
        ({"hyperparameters": {"epochs": "many"}}, RANGE + '"many".'),
        ({"hyperparameters": {"epochs": "3"}}, RANGE + '"3".'),
        ({"hyperparameters": {"epochs": 2.5}}, RANGE + "2.5."),
        ({"hyperparameters": {"epochs": 0}}, RANGE + "0."),
        ({"hyperparameters": {"epochs": 10001}}, RANGE + "10001."),
        ({"hyperparameters": {"epochs": True}}, RANGE + "true."),
        ({"hyperparameters": {"epochs": None}}, RANGE + "null."),
        ({"hyperparameters": {"epochs": [3]}}, RANGE + "[3]."),
        ({"hyperparameters": {"epochs": {}}}, RANGE + "{}."),
        (
            {"hyperparameters": {"rate": 0}},
            "hyperparameters.rate must be a number greater than 0 and at most 1, but is 0.",
        ),
        (
            {"hyperparameters": {"depth": 1}},
            "hyperparameters.depth must be a whole number of at least 2, but is 1.",
        ),
        (
            {"hyperparameters": {"preset": "fast"}},
            'hyperparameters.preset must be one of "default", "reference", but is "fast".',
        ),
        (
            {"hyperparameters": {"title": 3}},
            "hyperparameters.title must be a text, but is 3.",
        ),
        (
            {"hyperparameters": {"flip": "true"}},
            'hyperparameters.flip must be true or false, but is "true".',
        ),
        ({"data": 3}, "data must be a folder under audio/ or spectrograms/, but is 3."),
        (
            {"data": "audiobooks/"},
            'data must be a folder under audio/ or spectrograms/, but is "audiobooks/".',
        ),
        (
            {"data": "s3://my-bucket/audio/"},
            'data must be a folder under audio/ or spectrograms/, but is "s3://my-bucket/audio/".',
        ),
        (
            {"instance_types": "ml.g5.xlarge"},
            'instance_types must be a list of 1 to 10 instance types such as ["ml.g5.xlarge"], '
            'but is "ml.g5.xlarge".',
        ),
        (
            {"instance_types": []},
            'instance_types must be a list of 1 to 10 instance types such as ["ml.g5.xlarge"], '
            "but is [].",
        ),
        (
            {"instance_types": ["ml.g5.xlarge", "g5"]},
            'instance_types must be a list of 1 to 10 instance types such as ["ml.g5.xlarge"], '
            'but is ["ml.g5.xlarge","g5"].',
        ),
        (
            {"max_runtime_minutes": 0},
            "max_runtime_minutes must be a whole number from 1 to 4320, but is 0.",
        ),
        *(
            (
                {"instance_count": count},
                f"instance_count must be a whole number from 1 to 16, but is {said}.",
            )
            for count, said in ((17, "17"), (0, "0"), (1.5, "1.5"), ("1", '"1"'), (None, "null"))
        ),
        (
            {"prepare": True},
            'prepare must be one of "auto", "always", "never", but is true.',
        ),
        (
            {"prepare": "always", "data": "spectrograms/"},
            'prepare cannot be "always" for data under spectrograms/, which is prepared: leave it '
            "out.",
        ),
        ({"spot": "true"}, 'spot must be true or false, but is "true".'),
        ({"spot": None}, "spot must be true or false, but is null."),
        (
            {"promote": "maybe"},
            'promote must be one of "if_better", "always", "never", but is "maybe".',
        ),
        ({"promote": True}, 'promote must be one of "if_better", "always", "never", but is true.'),
        (
            {"model": "s3://my-bucket/models/starter/model.tar.gz", "spot": True, "data": "audio/"},
            "With the field model nothing is trained: leave out data, spot.",
        ),
        (
            {"model": "s3://my-bucket/models/starter/model.tar.gz", "start_from": "served"},
            "With the field model nothing is trained: leave out start_from.",
        ),
        ({"model": None}, "model must be a text, but is null."),
        ({"start_from": None}, "start_from must be a text, but is null."),
        *(
            (
                {"start_from": start},
                'start_from must be "served" or the URL of an archive in the bucket, such as '
                f's3://my-bucket/output/<training job>/output/model.tar.gz, but is "{start}".',
            )
            for start in ("", "best", "s3://other-bucket/output/job/output/model.tar.gz")
        ),
        *(
            (
                {"model": url},
                "model must be the URL of an archive in the bucket, such as s3://my-bucket/output/"
                f'<training job>/output/model.tar.gz, but is "{url}".',
            )
            for url in (
                "s3://other-bucket/output/job/output/model.tar.gz",
                "s3://my-bucket/audio/model.tar.gz",
                "s3://my-bucket/output/job/output/",
                "https://my-bucket/output/model.tar.gz",
            )
        ),
    ],
)
def test_bad_input_is_refused_with_its_field_what_it_is_and_what_it_may_be(
    given: Any, sentence: str
) -> None:
    assert problems(given) == [sentence]


def test_what_cannot_be_listed_from_within_a_job_is_not_prepared() -> None:
    isolated = Settings(network_isolation=True, training_image="1.dkr.ecr.eu.amazonaws.com/t:1")
    query = "{% " + expression("input_problems", input_values(isolated, "my-bucket", RULES)) + " %}"
    (sentence,) = evaluate(query, states={"input": {"prepare": "always"}})
    assert sentence == (
        'prepare cannot be "always" where jobs have no network (network_isolation): leave it out.'
    )
    assert evaluate(query, states={"input": {"prepare": "auto"}}) == []


def test_every_mistake_is_named() -> None:
    sentences = problems(
        {"hyperparameters": {"epochs": 0, "depht": 3}, "data": "music/", "gpu": True}
    )
    assert len(sentences) == 4
    for name in ("hyperparameters.epochs", '"depht"', "data", '"gpu"'):
        assert any(sentence.startswith(name) for sentence in sentences), name


def test_a_very_long_value_is_not_repeated_in_full() -> None:
    (sentence,) = problems({"data": "x" * 10_000})
    assert len(sentence) < 300


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_every_default_of_the_training_script_is_accepted_as_input(name: str) -> None:
    schema = HYPERPARAMETERS[name]
    ours = [schema["default"]] if "default" in schema else []
    for default in [*ours, *schema.get("by_quality", {}).values()]:
        assert problems({"hyperparameters": {name: default}}, HYPERPARAMETERS) == []
    (sentence,) = problems({"hyperparameters": {name: {"not": "this"}}}, HYPERPARAMETERS)
    assert sentence.startswith(f"hyperparameters.{name} must be {must_be(schema)}, but")


def complete(given: Any, **settings: Any) -> Any:
    chosen = {"instance_types": ("ml.g5.xlarge",), "spot": False, **settings}
    values = input_values(Settings(**chosen), "my-bucket", RULES)
    return evaluate("{% " + expression("request", values) + " %}", states={"input": given})


def test_what_is_not_given_has_a_default() -> None:
    assert complete({}) == {
        "data": "audio/",
        "offers": [{"instance_type": "ml.g5.xlarge", "spot": False}],
        "instance_count": 1,
        "prepare": "auto",
        "max_runtime_minutes": 60,
        "promote": "if_better",
        "start_from": "",
        "model": "",
        "hyperparameters": {},
    }


def test_what_is_given_replaces_the_default() -> None:
    given = {
        "data": "audio/b/",
        "instance_count": 3,
        "prepare": "never",
        "max_runtime_minutes": 5,
        "promote": "always",
    }
    completed = complete({**given, "instance_types": ["ml.c5.xlarge", "ml.c5.large"]})
    offers = [{"instance_type": f"ml.c5.{size}", "spot": False} for size in ("xlarge", "large")]
    left_out = {"start_from": "", "model": "", "hyperparameters": {}}
    assert completed == {**given, "offers": offers, **left_out}


@pytest.mark.parametrize(("given", "setting"), [({"spot": True}, False), ({}, True)])
def test_with_spot_every_type_is_offered_on_spare_capacity_first(
    given: dict[str, Any], setting: bool
) -> None:
    assert complete(given, spot=setting)["offers"] == [
        {"instance_type": "ml.g5.xlarge", "spot": True},
        {"instance_type": "ml.g5.xlarge", "spot": False},
    ]


@pytest.mark.parametrize("given", [3, None, [], {"data": 3, "instance_types": 3, "spot": []}])
def test_what_is_no_request_can_be_completed_all_the_same(given: Any) -> None:
    assert complete(given)  # the same state says what is wrong with it


def test_a_folder_may_be_named_without_its_last_slash() -> None:
    assert complete({"data": "audio"})["data"] == "audio/"  # or audiobooks/ would be trained on too
