"""Sounds in bulk: what is asked for becomes jobs, what is wrong is said before one is asked for."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.pipeline.machine import Account, Execution, ServiceError, run

RUN = "sound-vae--night-12345678"
TIMES = {
    "TransformStartTime": "2026-11-30T05:00:00.000Z",
    "TransformEndTime": "2026-11-30T05:01:40.000Z",
}


class Aws:
    """An account with an endpoint; transforms make an archive of each file, as `summaries` say."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.objects: dict[str, Any] = {}  # bodies by key
        self.sizes: dict[str, int] = {}
        self.answer: Any = {"lines": 1, "sounds": 1, "refused": 0, "first": [], "most": 20000}
        self.outcomes: list[Any] = []  # of transforms: an error, names of files that fail, or None
        self.models = {"Served": {"Image": "image", "ModelDataUrl": "s3://models/a.tar.gz"}}
        self.transforms: list[dict[str, Any]] = []
        self.account = Account(
            {
                "describeEndpoint": lambda _: {"EndpointConfigName": "Config"},
                "describeEndpointConfig": lambda _: {
                    "ProductionVariants": [{"ModelName": "Served"}]
                },
                "describeModel": self.describe_model,
                "createModel": self.create_model,
                "deleteModel": lambda given: self.models.pop(given["ModelName"]),
                "invokeEndpoint": self.invoke,
                "listObjectsV2": self.list,
                "getObject": self.get,
                "putObject": self.put,
                "createTransformJob.sync": self.transform,
            }
        )

    def describe_model(self, given: dict[str, Any]) -> Any:
        if given["ModelName"] not in self.models:
            raise ServiceError("SageMaker.SageMakerException", "Could not find model")
        return {"PrimaryContainer": self.models[given["ModelName"]]}

    def create_model(self, given: dict[str, Any]) -> Any:
        assert given["EnableNetworkIsolation"] is True
        self.models[given["ModelName"]] = given["PrimaryContainer"]
        return {}

    def invoke(self, given: dict[str, Any]) -> Any:
        self.asked = given["Body"]
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Body": self.answer}

    def list(self, given: dict[str, Any]) -> Any:
        after = given.get("StartAfter", "")
        keys = sorted(k for k in self.objects if k.startswith(given["Prefix"]) and k > after)
        page = keys[: given["MaxKeys"]]
        found = [{"Key": key, "Size": self.sizes.get(key, 9)} for key in page]
        listed = {"Contents": found} if found else {}
        return {"IsTruncated": len(keys) > len(page), **listed}

    def get(self, given: dict[str, Any]) -> Any:
        if given["Key"] not in self.objects:
            raise ServiceError("S3.NoSuchKeyException", "The specified key does not exist.")
        assert ("Range" in given) == given["Key"].endswith(".out")
        return {"Body": json.dumps(self.objects[given["Key"]])}

    def put(self, given: dict[str, Any]) -> Any:
        self.objects[given["Key"]] = given["Body"]
        return {}

    def transform(self, given: dict[str, Any]) -> Any:
        assert given["ModelName"] in self.models
        self.transforms.append(given)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, ServiceError):
            raise outcome
        source = given["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        first, *names = self.objects[source.removeprefix(f"s3://{self.bucket}/")]
        folder = first["prefix"].removeprefix(f"s3://{self.bucket}/")
        to = given["TransformOutput"]["S3OutputPath"].removeprefix(f"s3://{self.bucket}/")
        for name in names:
            if name in (outcome or ()):
                continue
            request = self.objects[folder + name]
            count = request.get("count", 1)
            refused = request.get("refused", 0)
            first_said = [f"line 1: {request['said']}"] if refused else []
            self.objects[f"{to}/{name}.out"] = {
                "lines": 1,
                "sounds": 0 if refused else count,
                "refused": refused,
                "first": first_said,
            }
        described = {"TransformJobName": given["TransformJobName"], **TIMES}
        described["TransformResources"] = given["TransformResources"]
        if outcome:
            failed = {
                "TransformJobStatus": "Failed",
                "FailureReason": "AlgorithmError: See job logs",
            }
            raise ServiceError("States.TaskFailed", json.dumps({**described, **failed}))
        return described

    def files(self, end: str) -> Iterator[str]:
        return (key for key in sorted(self.objects) if key.endswith(end))


@pytest.fixture
def aws(bucket: str) -> Aws:
    return Aws(bucket)


@pytest.fixture
def generate(aws: Aws, definitions: dict[str, Any]) -> Any:
    def start(run_name: str = RUN, **wanted: Any) -> Execution:
        defaults = {
            "resume": "",
            "requests": "",
            "instance_count": 1,
            "instance_types": ["ml.c5.xlarge", "ml.m5.xlarge"],
        }
        given = {"operation": "generate", "run": run_name, "generate": {**defaults, **wanted}}
        return run(definitions["sound-vae--generation"], given, aws.account)

    return start


def test_counts_become_files_of_requests_whose_seeds_follow_each_other(
    aws: Aws, generate: Any
) -> None:
    execution = generate(labels={"seven": 2500, "three": 1}, seed=7, temperature=0.5)
    assert execution.status == "SUCCEEDED", execution.cause
    assert aws.asked == [
        {"temperature": 0.5, "label": "seven"},
        {"temperature": 0.5, "label": "three"},
    ]
    written = [aws.objects[key] for key in aws.files(".jsonl")]
    assert written[0] == {"temperature": 0.5, "label": "seven", "count": 626, "seed": 7}
    seven = [request for request in written if request["label"] == "seven"]
    assert [r["seed"] for r in seven] == [7, 633, 1259, 1885]
    assert sum(request["count"] for request in seven) == 2500
    assert written[-1] == {"temperature": 0.5, "label": "three", "count": 1, "seed": 7}
    assert next(aws.files(".jsonl")) == f"generated/{RUN}/requests/00000.jsonl"


def test_the_output_says_where_how_many_and_what_next(aws: Aws, generate: Any) -> None:
    output = generate(count=250, seed=3).output
    assert output == {
        "run": RUN,
        "where": f"s3://{aws.bucket}/generated/{RUN}/sounds/",
        "sounds": 250,
        "files": 3,
        "lines": 3,
        "lines_refused": 0,
        "made_with": "s3://models/a.tar.gz",
        "transform_jobs": [f"{RUN}-1"],
        "instance_type": "ml.c5.xlarge",
        "instance_count": 1,
        "instance_seconds": 100,
        "next": output["next"],
        "seed": 3,
    }
    assert f"--run {RUN}" in output["next"]
    assert set(aws.models) == {"Served"}, "the run's own model is removed"


def test_a_job_is_the_served_container_over_a_manifest(aws: Aws, generate: Any) -> None:
    generate(count=1000, instance_count=16)
    (job,) = aws.transforms
    assert job["ModelName"] == f"{RUN}--batch"
    assert job["TransformResources"] == {"InstanceType": "ml.c5.xlarge", "InstanceCount": 10}
    assert job["TransformInput"]["SplitType"] == "None"
    assert job["TransformInput"]["ContentType"] == "application/jsonlines"
    assert job["TransformOutput"]["Accept"] == "application/x-tar"
    (manifest,) = (aws.objects[key] for key in aws.objects if "/manifests/" in key)
    assert manifest[0] == {"prefix": f"s3://{aws.bucket}/generated/{RUN}/requests/"}
    assert manifest[1:] == [f"{number:05}.jsonl" for number in range(10)]


def test_without_a_seed_one_is_drawn_and_told(generate: Any) -> None:
    first, second = (generate(count=1).output["seed"] for _ in range(2))
    assert first != second
    assert 0 <= first < 2**31


def test_long_sounds_are_shared_among_more_files(aws: Aws, generate: Any) -> None:
    aws.answer = {**aws.answer, "most": 50}
    generate(count=200)
    assert [aws.objects[key]["count"] for key in aws.files(".jsonl")] == [50] * 4


def requests(aws: Aws, folder: str, files: int, **content: Any) -> None:
    for number in range(files):
        aws.objects[f"{folder}{number:04}.jsonl"] = dict(content)


def test_a_folder_of_requests_is_gone_through_job_by_job(aws: Aws, generate: Any) -> None:
    requests(aws, "requests/many/", 650, count=2)
    aws.objects["requests/many/notes.txt"] = {}
    output = generate(requests="requests/many/").output
    assert (output["files"], output["sounds"], len(output["transform_jobs"])) == (650, 1300, 3)
    assert aws.asked == [{}]


def test_a_single_file_of_requests_is_enough(aws: Aws, generate: Any) -> None:
    requests(aws, "requests/one", 1)
    output = generate(requests="requests/one0000.jsonl").output
    assert (output["files"], output["sounds"]) == (1, 1)
    assert list(aws.files(".out")) == [f"generated/{RUN}/sounds/one0000.jsonl.out"]


def test_lines_that_were_refused_are_counted_and_the_first_ones_told(
    aws: Aws, generate: Any
) -> None:
    requests(aws, "requests/some/", 2)
    requests(aws, "requests/some/bad", 5, refused=1, said='label is "cowbell"')
    output = generate(requests="requests/some/").output
    assert (output["sounds"], output["lines"], output["lines_refused"]) == (2, 7, 5)
    assert output["first_refused"] == [
        f'bad000{number}.jsonl, line 1: label is "cowbell"' for number in range(3)
    ]


def test_a_run_that_was_cut_short_makes_only_what_is_missing(aws: Aws, generate: Any) -> None:
    requests(aws, "requests/many/", 310)
    aws.outcomes = [["0003.jsonl", "0007.jsonl"]]
    failed = generate(requests="requests/many/")
    assert failed.error == "SoundVae.GenerationFailed"
    assert failed.cause == (
        f"Making the sounds failed on ml.c5.xlarge (job {RUN}-1): See job logs. What was made is "
        f'kept: go on with {{"generate": {{"resume": "{RUN}"}}}}.'
    )
    assert f"{RUN}--batch" in aws.models
    aws.models["Served"] = {"Image": "another", "ModelDataUrl": "s3://models/b.tar.gz"}
    output = generate("sound-vae--morning-1", resume=RUN).output
    assert output["run"] == RUN
    assert output["made_with"] == "s3://models/a.tar.gz", "that of its first part"
    assert (output["files"], output["sounds"]) == (310, 310)
    manifests = [aws.objects[key] for key in aws.objects if "/manifests/sound-vae--morning" in key]
    assert [len(manifest) - 1 for manifest in manifests] == [2, 10]
    assert output["transform_jobs"] == ["sound-vae--morning-1-1", "sound-vae--morning-1-2"]


def test_a_run_that_is_complete_makes_nothing_again(aws: Aws, generate: Any) -> None:
    generate(count=5)
    before = len(aws.transforms)
    assert generate("sound-vae--again-1", resume=RUN).output["sounds"] == 5
    assert len(aws.transforms) == before


def test_another_instance_type_is_tried_for_want_of_a_quota(aws: Aws, generate: Any) -> None:
    quota = "The account-level service limit 'ml.c5.xlarge for transform job usage' is 0 Instances"
    aws.outcomes = [ServiceError("SageMaker.ResourceLimitExceededException", quota)]
    assert generate(count=5).output["instance_type"] == "ml.m5.xlarge"
    assert [job["TransformJobName"] for job in aws.transforms] == [f"{RUN}-1", f"{RUN}-2"]


def test_a_quota_that_is_too_low_everywhere_is_named(aws: Aws, generate: Any) -> None:
    quota = "The account-level service limit '{} for transform job usage' is 0 Instances"
    aws.outcomes = [
        ServiceError("SageMaker.ResourceLimitExceededException", quota.format(kind))
        for kind in ("ml.c5.xlarge", "ml.m5.xlarge")
    ]
    cause = generate(count=5).cause
    assert 'Raise "ml.c5.xlarge for transform job usage" or "ml.m5.xlarge for' in cause


def test_a_busy_sagemaker_is_asked_again(aws: Aws, generate: Any) -> None:
    busy = ServiceError("SageMaker.AmazonSageMakerException", "Rate exceeded")
    aws.outcomes = [busy, busy]
    execution = generate(count=5)
    assert execution.status == "SUCCEEDED"
    assert execution.waited == 60


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            {"requests": "requests/none/"},
            "There is no file of requests at s3://BUCKET/requests/none/: put a .jsonl file there, "
            'with a request such as {"label": "seven", "count": 10} in every line.',
        ),
        (
            {"requests": "requests/large/"},
            "requests/large/0000.jsonl has more than 6 MB, the most of a file of requests: split "
            "it, as soundvae generate does.",
        ),
        (
            {"requests": "requests/many/"},
            "There are more than 1500 files of requests under s3://BUCKET/requests/many/, the most "
            "of one run: name a folder with fewer.",
        ),
        (
            {"count": 1_500_001},
            "generate asks for more than 1500000 sounds, the most of one run: make several, each "
            "with another seed.",
        ),
        (
            {"resume": "sound-vae--nobody"},
            "There is no run sound-vae--nobody to go on with: name one as its folder below "
            "generated/ is called.",
        ),
    ],
)
def test_what_is_wrong_is_said_before_a_model_or_a_job_is_made(
    aws: Aws, generate: Any, wanted: dict[str, Any], sentence: str
) -> None:
    requests(aws, "requests/large/", 1)
    aws.sizes["requests/large/0000.jsonl"] = 6 * 2**20 + 1
    requests(aws, "requests/many/", 1501)
    execution = generate(**wanted)
    assert execution.error == "SoundVae.WrongInput"
    assert execution.cause == sentence.replace("BUCKET", aws.bucket)
    assert not aws.transforms
    assert set(aws.models) == {"Served"}


def test_a_label_that_the_served_model_does_not_know_is_refused_in_its_own_words(
    aws: Aws, generate: Any
) -> None:
    first = ['line 2: label is "sevn": it must be one of "seven"']
    aws.answer = {"lines": 2, "sounds": 1, "refused": 1, "first": first, "most": 9}
    execution = generate(labels={"three": 1, "sevn": 1})
    assert execution.error == "SoundVae.WrongInput"
    assert execution.cause == (
        'The served model refuses what generate asks for: label is "sevn": it must be one of '
        '"seven".'
    )


def test_a_model_of_an_earlier_version_is_told_from_an_endpoint_that_does_not_answer(
    aws: Aws, generate: Any
) -> None:
    said = 'Received client error (400) from primary with message "Content-Type is ..."'
    aws.answer = ServiceError("SageMakerRuntime.ModelErrorException", said)
    assert "trained by an earlier version" in generate(count=1).cause
    aws.answer = ServiceError("SageMakerRuntime.ModelErrorException", "Received server error (500)")
    assert "does not answer: Received server error (500)." in generate(count=1).cause
