"""Every knob of the deployment: in cdk.json, or `cdk deploy -c sound-vae:KEY=VALUE`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KEY = "sound-vae:"

KEY_ARN = r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+)?"
KEY_ARN_SHAPE = "empty or arn:aws:kms:<region>:<account>:key/<id>"
# what PutRetentionPolicy takes
LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
# families with Intel or AMD processors that an endpoint can be scaled on: not those with a "g" for
# Graviton, and no burstable ones, which AWS does not scale
SCALABLE_X86 = re.compile(r"ml\.[cmr]\d(?!g)[a-z]*\.\w+")
# families with a disk of their own, which takes neither a size nor a key
LOCAL_DISK = re.compile(r"ml\.(\w*(dn?|de|en)|g[5-9]\w*|gr\d|p[5-9]\w*|trn\d\w*)\.")


class SettingsError(ValueError):
    """A setting cannot be used; the message is one sentence for whoever wrote it."""


def _setting(default: Any, description: str, **rule: Any) -> Any:
    return field(default=default, metadata={"description": description, **rule})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings with their defaults; cdk.json lists the same ones."""

    name: str = _setting(
        "sound-vae",
        "begins the name of everything that has one, and names the serverless endpoint",
        pattern=r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
        shape="lower-case letters, digits and single hyphens, beginning with a letter",
        longest=24,  # leaves 38 of SageMaker's 63 characters to the execution's name and a hash
    )
    instance_types: tuple[str, ...] = _setting(
        ("ml.g5.xlarge", "ml.g4dn.xlarge", "ml.c5.2xlarge"),
        "training instances, tried in this order when AWS has no quota or no capacity for one",
        pattern=r"ml\.[a-z0-9-]+\.[a-z0-9-]+",
        shape="instance types such as ml.g5.xlarge",
    )
    max_runtime_minutes: int = _setting(
        60,
        "after this long a training or processing job is stopped",
        minimum=1,
        maximum=40320,  # 28 days
    )
    longest_execution_hours: int = _setting(
        72,
        "after this long an execution is stopped, with everything that it waits for",
        minimum=1,
        maximum=8760,  # a year, which is Step Functions' own limit
    )
    spot: bool = _setting(
        False,
        "train on spare capacity, which is cheaper, and go on after an interruption; it needs "
        "quotas of its own, such as *ml.g5.xlarge for spot training job usage*",
    )
    spot_wait_minutes: int = _setting(
        10,
        "how long a job may wait for spare capacity before the same type is tried on demand",
        minimum=1,
        maximum=40320,
    )
    schedule: str = _setting(
        "",
        "when executions start by themselves, with the defaults: EventBridge Scheduler's words, "
        "in UTC; empty: never",
        pattern=r"(rate\([1-9]\d* (minute|hour|day)s?\)|cron\([^\s()]+( [^\s()]+){5}\))?",
        shape="empty, rate(7 days) or cron(0 3 ? * SUN *)",
    )
    train_after_upload_minutes: int = _setting(
        0,
        "an execution starts when nothing was uploaded below `audio/` or `spectrograms/` for so "
        "many minutes; 0: never by itself",
        minimum=0,
        maximum=1440,
    )
    promote: str = _setting(
        "if_better",
        "when an execution gives what it trained to the endpoint",
        pattern="if_better|always|never",
        shape="if_better, always or never",
    )
    training_volume_gb: int = _setting(
        30,
        "disk of the training instance, in GB; does nothing for types with a local NVMe disk, such "
        "as ml.g5 and ml.g4dn, which give all of that",
        minimum=1,
        maximum=16384,
    )
    preparation_instance_type: str = _setting(
        "ml.m5.xlarge",
        "instances of the processing jobs that prepare sounds for training, where there are many; "
        "their disks and keys are those of training",
        pattern=r"ml\.[a-z0-9-]+\.[a-z0-9-]+",
        shape="an instance type such as ml.m5.xlarge",
    )
    volume_kms_key_arn: str = _setting(
        "",
        "KMS key of that disk, in this region; only for types without a local NVMe disk, such as "
        "ml.c5; empty: a key of SageMaker's",
        pattern=KEY_ARN,
        shape=KEY_ARN_SHAPE,
    )
    subnet_ids: tuple[str, ...] = _setting(
        (),
        "subnets of the VPC that training jobs run in, together with `security_group_ids`; empty: "
        "SageMaker's own network",
        pattern=r"subnet-[0-9a-f]{8,17}",
        shape="subnets such as subnet-0a1b2c3d",
        may_be_empty=True,
        most=16,
    )
    security_group_ids: tuple[str, ...] = _setting(
        (),
        "security groups of training jobs in that VPC",
        pattern=r"sg-[0-9a-f]{8,17}",
        shape="security groups such as sg-0a1b2c3d",
        may_be_empty=True,
        most=5,
    )
    network_isolation: bool = _setting(
        False,
        "training jobs reach no network at all, not even to install packages: needs a "
        "`training_image` that holds them",
    )
    endpoint: str = _setting(
        "serverless",
        "what answers requests: serverless costs nothing while nobody asks, instance is for steady "
        "traffic: machines that are paid for by the hour, more of them under load",
        pattern="serverless|instance",
        shape="serverless or instance",
    )
    endpoint_memory_mb: int = _setting(
        3072,
        "memory of the endpoint in MB, if it is serverless",
        minimum=1024,
        maximum=6144,
        step=1024,
    )
    endpoint_max_concurrency: int = _setting(
        5,
        "requests that the endpoint answers at the same time, if it is serverless",
        minimum=1,
        maximum=200,
    )
    endpoint_provisioned_concurrency: int = _setting(
        0,
        "how many of these are kept warm, without cold starts and paid for by the hour; 0: none; "
        "only if it is serverless",
        minimum=0,
        maximum=200,
    )
    endpoint_instance_type: str = _setting(
        "ml.c6i.large",
        "machine of an endpoint on instances; another one is another endpoint",
        pattern=r"ml\.[a-z0-9-]+\.[a-z0-9-]+",
        shape="an instance type such as ml.c6i.large",
    )
    endpoint_min_instances: int = _setting(
        1, "machines that an endpoint on instances always has", minimum=1, maximum=100
    )
    endpoint_max_instances: int = _setting(
        4, "machines that it has at most, under load", minimum=1, maximum=100
    )
    endpoint_invocations_per_instance: int = _setting(
        3600,
        "requests a minute for each machine, above which AWS adds one and below which it takes one "
        "away",
        minimum=1,
        maximum=1_000_000,
    )
    endpoint_update_minutes: int = _setting(
        30, "how long to wait for the endpoint to serve a new model", minimum=1, maximum=120
    )
    alarm_email: str = _setting(
        "",
        "who is told when an execution, a training job or the endpoint fails; must confirm "
        "the subscription in AWS's first mail; empty: nobody",
        pattern=r"([^@\s]+@[^@\s]+\.[^@\s]+)?",
        shape="empty or an e-mail address",
    )
    tags: tuple[str, ...] = _setting(
        (),
        "tags of everything that can have some, such as team=sound, to find it on the bill",
        pattern=r"(?!aws:)[\w .:/+@-]{1,128}=[\w .:/=+@-]{0,256}",
        shape="tags such as team=sound",
        may_be_empty=True,
    )
    kms_key_arn: str = _setting(
        "",
        "KMS key, in this region, of the bucket and the jobs' results; its policy must leave the "
        "decision to the account's IAM policies, as by default; empty: keys of S3",
        pattern=KEY_ARN,
        shape=KEY_ARN_SHAPE,
    )
    bucket_name: str = _setting(
        "",
        "a bucket of yours, in this region, that is used as it is and never removed; empty: the "
        "stack makes one",
        pattern=r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?",
        shape="empty or the name of a bucket",
    )
    retain_data: bool = _setting(
        True,
        "keep the bucket when the stack is removed; false: empty it, with every version, and "
        "remove it",
    )
    forgotten_days: int = _setting(
        30,
        "a recording that was deleted or replaced can be brought back for so many days, then it is "
        "gone for good",
        minimum=1,
        maximum=3650,
    )
    output_days: int = _setting(
        0,
        "results below `output/` and `generated/` are deleted after so many days; the served "
        "model is kept elsewhere; 0: never",
        minimum=0,
        maximum=3650,
    )
    log_retention_days: int = _setting(
        0,
        "how long the logs of the endpoint, and of all training and processing jobs of the account "
        "and region, are kept; 0: for ever, or as they are",
        choices=(0, *LOG_RETENTION_DAYS),
    )
    training_image: str = _setting(
        "",
        "ECR image that trains; empty: SageMaker's TensorFlow image of the region",
        pattern=r"(\d{12}\.dkr\.ecr[.-].+/.+)?",
        shape="empty or an image in ECR, <account>.dkr.ecr.<region>.amazonaws.com/<name>:<tag>",
    )
    serving_image: str = _setting(
        "",
        "ECR image that serves; empty: SageMaker's TensorFlow image of the region",
        pattern=r"(\d{12}\.dkr\.ecr[.-].+/.+)?",
        shape="empty or an image in ECR, <account>.dkr.ecr.<region>.amazonaws.com/<name>:<tag>",
    )

    def __post_init__(self) -> None:
        """Check what one setting means for another.

        Raises:
            SettingsError: two settings do not go together.

        """
        if bool(self.subnet_ids) != bool(self.security_group_ids):
            raise SettingsError(
                f"{KEY}subnet_ids and {KEY}security_group_ids go together: give both or neither."
            )
        if self.network_isolation and not self.training_image:
            raise SettingsError(
                f"{KEY}network_isolation needs a {KEY}training_image that holds the packages of "
                "training/requirements.txt, as nothing can be installed without a network."
            )
        if self.endpoint_provisioned_concurrency > self.endpoint_max_concurrency:
            raise SettingsError(
                f"{KEY}endpoint_provisioned_concurrency may be at most "
                f"{KEY}endpoint_max_concurrency = {self.endpoint_max_concurrency}, but is "
                f"{self.endpoint_provisioned_concurrency}."
            )
        if self.endpoint == "instance":
            self._check_instances()
        kinds = (*self.instance_types, self.preparation_instance_type)
        local = [kind for kind in kinds if LOCAL_DISK.match(kind)]
        if self.volume_kms_key_arn and local:
            raise SettingsError(
                f"{KEY}volume_kms_key_arn is refused for types with a local NVMe disk: leave "
                f"{', '.join(local)} out of {KEY}instance_types and {KEY}preparation_instance_type."
            )

    def _check_instances(self) -> None:
        if self.endpoint_provisioned_concurrency:
            raise SettingsError(
                f"{KEY}endpoint_provisioned_concurrency is for a serverless endpoint: leave it out "
                f"with {KEY}endpoint = instance, whose {KEY}endpoint_min_instances are always warm."
            )
        if self.endpoint_min_instances > self.endpoint_max_instances:
            raise SettingsError(
                f"{KEY}endpoint_min_instances may be at most {KEY}endpoint_max_instances = "
                f"{self.endpoint_max_instances}, but is {self.endpoint_min_instances}."
            )
        if not self.serving_image and not SCALABLE_X86.fullmatch(self.endpoint_instance_type):
            raise SettingsError(
                f"{KEY}endpoint_instance_type must be a type that SageMaker's serving image runs "
                "on and AWS scales, of the families c, m and r with Intel or AMD processors such "
                f"as ml.c6i.large, but is {self.endpoint_instance_type!r}; or name an image in "
                f"{KEY}serving_image."
            )

    @property
    def endpoint_name(self) -> str:
        """Name the endpoint: that of instances with their type.

        For SageMaker makes no serverless endpoint of one with instances, and lets the type of
        instances not change while they are scaled: what cannot be updated is another endpoint.
        https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
        https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
        """
        if self.endpoint == "serverless":
            return self.name
        return f"{self.name}-{self.endpoint_instance_type.replace('.', '-')}"

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> "Settings":
        """Read the keys of `context` that begin with `sound-vae:`.

        Raises:
            SettingsError: a key is unknown or lacks its prefix, or a value is of the wrong kind or
                out of range.

        """
        known = {f.name: f for f in fields(cls)}
        chosen: dict[str, Any] = {}
        for key, given in context.items():
            if key in known:
                raise SettingsError(
                    f"{key} without its prefix sets nothing: write -c {KEY}{key}="
                    f"{_in_a_line(given)}."
                )
            if not key.startswith(KEY):
                continue
            setting = known.get(key.removeprefix(KEY))
            if setting is None:
                names = ", ".join(KEY + name for name in known)
                raise SettingsError(
                    f"{_in_a_line(key)} is not a setting; the settings are {names}."
                )
            chosen[setting.name] = _read(key, given, setting.default, setting.metadata)
        return cls(**chosen)


def _in_a_line(value: Any) -> str:
    return repr(str(value))[1:-1]


def _read(key: str, given: Any, default: Any, rule: Mapping[str, Any]) -> Any:
    """Convert `given` to the type of `default`; `-c` hands over every value as text."""
    if isinstance(default, bool):
        return _yes_or_no(key, given)
    if isinstance(default, int):
        return _whole_number(key, given, rule)
    if isinstance(default, tuple):
        items = [item for item in given.split(",") if item] if isinstance(given, str) else given
        if not isinstance(items, list) or not (items or rule.get("may_be_empty")):
            raise SettingsError(f"{key} must be a list of {rule['shape']}, but is {given!r}.")
        if len(items) > rule.get("most", len(items)):
            raise SettingsError(f"{key} may have at most {rule['most']}, but has {len(items)}.")
        return tuple(_text(key, item, rule) for item in items)
    return _text(key, given, rule)


def _yes_or_no(key: str, given: Any) -> bool:
    if str(given).lower() not in ("true", "false"):
        raise SettingsError(f"{key} must be true or false, but is {given!r}.")
    return str(given).lower() == "true"


def _whole_number(key: str, given: Any, rule: Mapping[str, Any]) -> int:
    if "choices" in rule:
        if str(given) not in map(str, rule["choices"]):
            choices = ", ".join(map(str, rule["choices"]))
            raise SettingsError(f"{key} must be one of {choices}, but is {given!r}.")
        return int(given)
    low, high, step = rule["minimum"], rule["maximum"], rule.get("step", 1)
    number = int(given) if re.fullmatch(r"\d{1,9}", str(given)) else None
    if number is None or not low <= number <= high or (number - low) % step:
        steps = f" in steps of {step}" if step > 1 else ""
        raise SettingsError(
            f"{key} must be a whole number from {low} to {high}{steps}, but is {given!r}."
        )
    return number


def _text(key: str, given: Any, rule: Mapping[str, Any]) -> str:
    text = given.strip() if isinstance(given, str) else None
    if text is None or not re.fullmatch(rule["pattern"], text):
        raise SettingsError(f"{key} must be {rule['shape']}, but is {given!r}.")
    if len(text) > rule.get("longest", len(text)):
        raise SettingsError(
            f"{key} may have at most {rule['longest']} characters, but {given!r} has {len(text)}."
        )
    return text
