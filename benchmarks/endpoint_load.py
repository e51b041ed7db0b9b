"""A serverless endpoint and one on an instance under the same load, side by side on the stand-in.

python -m benchmarks.endpoint_load           some seconds a step
python -m benchmarks.endpoint_load --full    five minutes a step, about an hour

Locust's callers ask for sounds through InvokeEndpoint, each again as soon as it is answered, and
compare every byte with what the model makes of that label and seed. Then the model is changed under
load, as a promotion does. Writes docs/endpoint_load.json and docs/endpoint_load.md.
"""

import argparse
import hashlib
import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

from benchmarks import ROOT
from benchmarks.locusts import locust, percentile
from benchmarks.measurement import Section, machine

STARTER = ROOT / "infra" / "starter" / "model.tar.gz"
CALLERS = (1, 4, 16, 64)
STEP_SECONDS, FULL_STEP_SECONDS = 10, 300
SEEDS = 20
OLD, NEW = "old", "new"
OTHER_TEMPERATURE = 0.5
"""Of the model that takes the starter's place: the same seeds are other sounds."""
PROMOTIONS, FULL_PROMOTIONS = 2, 4
CALLERS_OF_PROMOTIONS = 4  # within the default concurrency, so that none is throttled
LOOK_SECONDS = 1.0
CAPACITY: dict[str, dict[str, Any]] = {
    # the defaults of infra/settings.py
    "serverless": {"ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}},
    "instance": {"InstanceType": "ml.c6i.large", "InitialInstanceCount": 1},
}
# dollars in us-east-1, as others quote AWS's page (https://aws.amazon.com/sagemaker/pricing/)
SERVERLESS_SECOND, INSTANCE_HOUR = 0.00006, 0.102  # 3072 MB; ml.c6i.large
INSTANCE_VCPUS = 2


@dataclass(frozen=True)
class Step:
    """So many callers for a while; times in milliseconds, memory in MiB, processor in seconds."""

    kind: str
    callers: int
    seconds: float
    answered: int
    failed: int
    throttled: int
    a_second: float
    p50: float
    p99: float
    processor: float  # of the container, for each answer
    memory_before: float
    memory_after: float


@dataclass(frozen=True)
class Promotions:
    """Updates of the endpoint to the other model and back, under load."""

    kind: str
    callers: int
    updates: int
    update_seconds: float  # the median
    old: int  # answers of each model
    new: int
    failed: int


def other_voice(archive: bytes) -> bytes:
    """Return the archive of a model that makes another sound of the same request."""
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as before,
        tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as after,
    ):
        for member in before:
            file = before.extractfile(member)
            body = file.read() if file else b""
            if member.name.removeprefix("./") == "model.json":
                description = json.loads(body) | {"temperature": OTHER_TEMPERATURE}
                body = json.dumps(description).encode()
                member.size = len(body)
            after.addfile(member, io.BytesIO(body) if file else None)
    return made.getvalue()


class StandIn:
    """The stand-in, a process, with a bucket, a role and both models."""

    BUCKET, ROLE = "endpoint-load", "endpoint-load"

    def __init__(self, process: "subprocess.Popen[str]", environment: dict[str, str]) -> None:
        self._process, self._made = process, 0
        self.environment = environment
        self.url = environment["AWS_ENDPOINT_URL"]
        self._region = environment["AWS_DEFAULT_REGION"]
        s3, archive = self.client("s3"), STARTER.read_bytes()
        s3.create_bucket(Bucket=self.BUCKET)
        self._role = self._reader()
        for name, body in {OLD: archive, NEW: other_voice(archive)}.items():
            s3.put_object(Bucket=self.BUCKET, Key=f"{name}.tar.gz", Body=body)

    def client(self, api: str) -> Any:
        """Make a client of the account's owner, which asks once."""
        return boto3.client(
            api,
            region_name=self._region,
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, read_timeout=65),
        )

    def _reader(self) -> str:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "sagemaker.amazonaws.com"},
                }
            ],
        }
        reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
        iam = self.client("iam")
        made = iam.create_role(RoleName=self.ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        document = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
        iam.put_role_policy(RoleName=self.ROLE, PolicyName="reads", PolicyDocument=document)
        arn: str = made["Role"]["Arn"]
        return arn

    def config(self, kind: str, model: str) -> str:
        """Make a model and a config of it, whose container nobody has started; return its name."""
        self._made += 1
        name, api = f"{kind}-{model}-{self._made}", self.client("sagemaker")
        container = {
            "Image": "serving",
            "ModelDataUrl": f"s3://{self.BUCKET}/{model}.tar.gz",
            "Environment": {"MADE": str(self._made)},
        }
        api.create_model(ModelName=name, ExecutionRoleArn=self._role, PrimaryContainer=container)
        variant = {"VariantName": "AllTraffic", "ModelName": name, **CAPACITY[kind]}
        api.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    @contextmanager
    def endpoint(self, kind: str) -> Iterator[str]:
        """Create an endpoint of this kind with the old model; delete it after the block."""
        api = self.client("sagemaker")
        api.create_endpoint(EndpointName=kind, EndpointConfigName=self.config(kind, OLD))
        self.wait_for(kind)
        try:
            yield kind
        finally:
            api.delete_endpoint(EndpointName=kind)

    def wait_for(self, endpoint: str) -> None:
        """Wait until the endpoint is as it is to be; raises RuntimeError if it is not."""
        while True:
            said = self.client("sagemaker").describe_endpoint(EndpointName=endpoint)
            if said["EndpointStatus"] not in ("Creating", "Updating"):
                break
            time.sleep(LOOK_SECONDS / 4)
        if said["EndpointStatus"] != "InService" or "FailureReason" in said:
            raise RuntimeError(said.get("FailureReason", said["EndpointStatus"]))

    def update(self, endpoint: str, model: str) -> float:
        """Have it serve another model; return the seconds until it does."""
        began = time.monotonic()
        self.client("sagemaker").update_endpoint(
            EndpointName=endpoint, EndpointConfigName=self.config(endpoint, model)
        )
        self.wait_for(endpoint)
        return time.monotonic() - began

    def containers(self) -> list[psutil.Process]:
        """Return the processes of all containers, also of those that nobody uses any more."""
        family = psutil.Process(self._process.pid).children(recursive=True)
        first = [p for p in family if "local.sagemaker.container" in p.cmdline()]
        return [one for p in first for one in (p, *p.children(recursive=True))]


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Start the stand-in on a free port; its end is that of the block."""
    command = [sys.executable, "-m", "local", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        environment = {}
        for line in process.stdout:
            if not line.startswith("export "):
                break
            name, _, value = line.removeprefix("export ").strip().partition("=")
            environment[name] = value
        try:
            yield StandIn(process, environment)
        finally:
            process.terminate()
            process.wait()


def memory(containers: list[psutil.Process]) -> float:
    """MiB that these processes hold."""
    return sum(p.memory_info().rss for p in containers) / 2**20


def processor(containers: list[psutil.Process]) -> float:
    """Seconds of processor time that these processes have used."""
    return sum(p.cpu_times().user + p.cpu_times().system for p in containers)


def sounds(aws: StandIn, endpoint: str, labels: list[str]) -> dict[str, str]:
    """SHA-256 of the sound that the endpoint makes, by the request's body."""
    api, heard = aws.client("sagemaker-runtime"), {}
    for label in labels:
        for seed in range(SEEDS):
            body = json.dumps({"label": label, "seed": seed})
            answer = api.invoke_endpoint(
                EndpointName=endpoint,
                Body=body,
                ContentType="application/json",
                Accept="audio/wav",
            )
            heard[body] = hashlib.sha256(answer["Body"].read()).hexdigest()
    return heard


def step(
    aws: StandIn,
    kind: str,
    callers: int,
    seconds: float,
    expected: Path,
    containers: list[psutil.Process],
) -> tuple[Step, list[dict[str, Any]]]:
    """Let so many callers ask for so long; `containers` are those that answer."""
    before, used = memory(containers), processor(containers)
    environment = aws.environment | {"LOAD_ENDPOINT": kind, "LOAD_EXPECTED": str(expected)}
    many, long = ("--users", str(callers), "--spawn-rate", str(callers)), f"{seconds:.0f}s"
    file = ROOT / "benchmarks" / "endpoint_callers.py"
    entries = locust(file, aws.url, environment, *many, "--run-time", long, "--stop-timeout", "60")
    after, used = memory(containers), processor(containers) - used
    right = [e for e in entries if e["name"].startswith("answered ")]
    times: dict[str, int] = {}
    for entry in right:
        for milliseconds, number in entry["response_times"].items():
            times[milliseconds] = times.get(milliseconds, 0) + number
    merged = {"response_times": times}
    answered = sum(entry["num_requests"] - entry["num_failures"] for entry in right)
    failures = sum(entry["num_failures"] for entry in entries)
    throttled = sum(e["num_requests"] for e in entries if e["name"] == "throttled")
    figures = Step(
        kind=kind,
        callers=callers,
        seconds=seconds,
        answered=answered,
        failed=failures,
        throttled=throttled,
        a_second=answered / seconds,
        p50=percentile(merged, 0.5),
        p99=percentile(merged, 0.99),
        processor=used / max(answered, 1),
        memory_before=before,
        memory_after=after,
    )
    return figures, entries


@dataclass(frozen=True)
class Loaded:
    """An endpoint that is ready to be asked."""

    kind: str  # and name
    expected: Path  # requests with what each model makes of them
    containers: list[psutil.Process]


def prepared(aws: StandIn, endpoint: str, expected: Path) -> Loaded:
    """Ask both models for every sound, and leave the old one in a container of its own."""
    aws.update(endpoint, NEW)
    new = sounds(aws, endpoint, labels())
    before = set(aws.containers())
    aws.update(endpoint, OLD)
    containers = [process for process in aws.containers() if process not in before]
    old = sounds(aws, endpoint, labels())
    if set(old.values()) & set(new.values()):
        raise RuntimeError("the models cannot be told apart")
    known = [{"body": body, "sounds": {OLD: old[body], NEW: new[body]}} for body in old]
    expected.write_text(json.dumps(known))
    return Loaded(endpoint, expected, containers)


def labels() -> list[str]:
    """Read the starter's labels."""
    with tarfile.open(STARTER) as archive:
        names = {name.removeprefix("./"): name for name in archive.getnames()}
        file = archive.extractfile(names["model.json"])
        found: list[str] = json.load(file)["labels"] if file else []
    return found


def promoted(aws: StandIn, kind: str, updates: int, expected: Path) -> Promotions:
    """Change the model that often while callers ask."""
    took: list[float] = []
    over = threading.Event()

    def change() -> None:
        time.sleep(2)  # until the callers are there
        try:
            for number in range(updates):
                took.append(aws.update(kind, OLD if number % 2 else NEW))
                time.sleep(1)
        finally:
            over.set()

    changing = threading.Thread(target=change)
    changing.start()
    totals = {OLD: 0, NEW: 0, "failed": 0}
    while not over.is_set():
        figures, entries = step(aws, kind, CALLERS_OF_PROMOTIONS, 20, expected, [])
        totals["failed"] += figures.failed
        for entry in entries:
            _, _, model = entry["name"].partition("answered ")
            if model:
                totals[model] += entry["num_requests"] - entry["num_failures"]
    changing.join()
    return Promotions(
        kind=kind,
        callers=CALLERS_OF_PROMOTIONS,
        updates=len(took),
        update_seconds=statistics.median(took),
        old=totals[OLD],
        new=totals[NEW],
        failed=totals["failed"],
    )


def costs(steps: list[Step]) -> dict[str, float]:
    """Dollars, from the measured times; requests an hour above which an instance is cheaper.

    Serverless bills the time of each request: the median with one caller. An instance answers at
    most as many as its processors can: those of two vCPUs, of which AWS says that each is a thread
    of a core, counted as one core in all.
    """
    alone = next(s for s in steps if (s.kind, s.callers) == ("serverless", 1))
    busiest = min((s for s in steps if s.kind == "instance"), key=lambda s: s.processor)
    request = alone.p50 / 1000 * SERVERLESS_SECOND
    most = 1 / busiest.processor  # requests a second of one core
    return {
        "serverless_request": request,
        "serverless_1000_sounds": request * 1000,
        "requests_a_second_of_a_core": most,
        "instance_1000_sounds_at_its_best": INSTANCE_HOUR / (most * 3600) * 1000,
        "instance_is_cheaper_above_requests_an_hour": INSTANCE_HOUR / request,
        "target_invocations_per_instance": most * 60 * 0.5,
    }


def page(
    steps: list[Step], promotions: list[Promotions], cost: dict[str, float], remark: str
) -> str:
    """Write the figures as a page."""
    rows = [
        (
            str(s.callers),
            s.kind,
            f"{s.a_second:.0f}",
            f"{s.p50:.0f} ms",
            f"{s.p99:.0f} ms",
            f"{s.answered:,}",
            f"{s.failed:,}",
            f"{s.throttled:,}",
            f"{s.processor * 1000:.1f} ms",
            f"{s.memory_before:.0f} to {s.memory_after:.0f} MiB",
        )
        for s in sorted(steps, key=lambda s: s.callers)
    ]
    columns = (
        *("callers", "endpoint", "answers a second", "p50", "p99", "answered", "failed"),
        *("throttled", "processor time an answer", "memory"),
    )
    seconds = steps[0].seconds
    method = (
        f"{seconds:.0f} s a step, the endpoints in turns. Each caller asks for one sound of a "
        "label with a seed, through InvokeEndpoint, and again as soon as it is answered, or half "
        "a second after it was throttled; every answer is compared byte by byte. Stand-in, "
        "container, TensorFlow in Python in the place of TensorFlow Serving, and Locust share "
        "this machine's cores: the container's own processor time is what counts. The serverless "
        "endpoint has the "
        f"default concurrency of 5. {remark}".rstrip()
    )
    changes = [
        (
            p.kind,
            str(p.callers),
            str(p.updates),
            f"{p.update_seconds:.1f} s",
            f"{p.old:,} and {p.new:,}",
            str(p.failed),
        )
        for p in promotions
    ]
    dollars = [
        ("1,000 sounds, serverless", f"${cost['serverless_1000_sounds']:.4f}"),
        (
            "1,000 sounds, an instance at its best",
            f"${cost['instance_1000_sounds_at_its_best']:.4f}",
        ),
        (
            "an instance is cheaper above",
            f"{cost['instance_is_cheaper_above_requests_an_hour']:,.0f} requests an hour",
        ),
        ("requests a second of one core", f"{cost['requests_a_second_of_a_core']:.0f}"),
        (
            "half of that, a minute: `endpoint_invocations_per_instance`",
            f"{cost['target_invocations_per_instance']:,.0f}",
        ),
    ]
    sections = [
        Section("Under load", method, rows, columns),
        Section(
            "A promotion under load",
            "UpdateEndpoint to another model and back; every answer is that of the old or of the "
            "new model to its own request.",
            changes,
            ("endpoint", "callers", "updates", "seconds each", "answers of each", "failed"),
        ),
        Section(
            "What it costs",
            f"{SERVERLESS_SECOND * 1000:.2f} dollars for 1,000 s of 3072 MB, {INSTANCE_HOUR} for "
            "an hour of ml.c6i.large, in us-east-1, as others quote "
            "[AWS's page](https://aws.amazon.com/sagemaker/pricing/).",
            dollars,
            ("what", "figure"),
        ),
    ]
    head = (
        "# The endpoint under load\n\n"
        f"`python -m benchmarks.endpoint_load{' --full' if seconds == FULL_STEP_SECONDS else ''}` "
        f"on {machine()}."
    )
    return "\n\n".join([head, *(section.to_markdown() for section in sections)]) + "\n"


def main() -> None:
    """Measure both kinds and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="five minutes a step")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "endpoint_load.md")
    parser.add_argument("--remark", default="", help="what else is to be known of this run")
    options = parser.parse_args()
    seconds = FULL_STEP_SECONDS if options.full else STEP_SECONDS
    updates = FULL_PROMOTIONS if options.full else PROMOTIONS
    steps: list[Step] = []
    promotions: list[Promotions] = []
    with tempfile.TemporaryDirectory() as folder, stand_in() as aws, ExitStack() as endpoints:
        loaded = []
        for kind in CAPACITY:
            endpoint = endpoints.enter_context(aws.endpoint(kind))
            loaded.append(prepared(aws, endpoint, Path(folder, f"{kind}.json")))
        for callers in CALLERS:
            for one in loaded:  # in turns, so that what else the machine does is the same for all
                figures, _ = step(aws, one.kind, callers, seconds, one.expected, one.containers)
                steps.append(figures)
                print(figures, flush=True)
        for one in loaded:
            promotions.append(promoted(aws, one.kind, updates, one.expected))
            print(promotions[-1], flush=True)
    cost = costs(steps)
    figures_of_all = {
        "machine": machine(),
        "steps": [asdict(one) for one in steps],
        "promotions": [asdict(one) for one in promotions],
        "cost": cost,
    }
    options.output.write_text(page(steps, promotions, cost, options.remark), encoding="utf-8")
    file_of_figures = options.output.with_suffix(".json")
    file_of_figures.write_text(json.dumps(figures_of_all, indent=1) + "\n", encoding="utf-8")
    print(f"written to {options.output} and {file_of_figures}")


if __name__ == "__main__":
    main()
