"""Every knob of the deployment: in cdk.json, or `cdk deploy -c sound-vae:KEY=VALUE`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KEY = "sound-vae:"


class SettingsError(ValueError):
    """A setting cannot be used; the message is one sentence for whoever wrote it."""


def _setting(default: Any, description: str, **rule: Any) -> Any:
    return field(default=default, metadata={"description": description, **rule})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings with their defaults; cdk.json lists the same ones."""

    name: str = _setting(
        "sound-vae",
        "begins the name of everything that has one, and names the endpoint",
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
        "after this long a training job is stopped",
        minimum=1,
        maximum=40320,  # 28 days
    )
    spot: bool = _setting(
        False, "train on spare capacity, which is far cheaper, and go on after an interruption"
    )
    spot_wait_minutes: int = _setting(
        60, "how long a job may wait for spare capacity, all in all", minimum=1, maximum=40320
    )
    promote: str = _setting(
        "if_better",
        "when an execution gives what it trained to the endpoint",
        pattern="if_better|always|never",
        shape="if_better, always or never",
    )
    training_volume_gb: int = _setting(
        30, "disk of the training instance, in GB", minimum=1, maximum=16384
    )
    endpoint_memory_mb: int = _setting(
        3072, "memory of the serverless endpoint, in MB", minimum=1024, maximum=6144, step=1024
    )
    endpoint_max_concurrency: int = _setting(
        5, "requests that the endpoint answers at the same time", minimum=1, maximum=200
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
        pattern=r"(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+)?",
        shape="empty or arn:aws:kms:<region>:<account>:key/<id>",
    )
    retain_data: bool = _setting(
        True,
        "keep the bucket when the stack is removed; false: empty it, with every version, and "
        "remove it",
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

    longest_execution_hours: int = _setting(72, "x", minimum=1, maximum=8760)
    subnet_ids: tuple[str, ...] = _setting((), "x", pattern=".*", shape="x", may_be_empty=True)
    security_group_ids: tuple[str, ...] = _setting(
        (), "x", pattern=".*", shape="x", may_be_empty=True
    )
    network_isolation: bool = _setting(False, "x")
    volume_kms_key_arn: str = _setting("", "x", pattern=".*", shape="x")

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
                    f"{key} without its prefix sets nothing: write -c {KEY}{key}={given}."
                )
            if not key.startswith(KEY):
                continue
            setting = known.get(key.removeprefix(KEY))
            if setting is None:
                names = ", ".join(KEY + name for name in known)
                raise SettingsError(f"{key} is not a setting; the settings are {names}.")
            chosen[setting.name] = _read(key, given, setting.default, setting.metadata)
        return cls(**chosen)


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
        return tuple(_text(key, item, rule) for item in items)
    return _text(key, given, rule)


def _yes_or_no(key: str, given: Any) -> bool:
    if str(given).lower() not in ("true", "false"):
        raise SettingsError(f"{key} must be true or false, but is {given!r}.")
    return str(given).lower() == "true"


def _whole_number(key: str, given: Any, rule: Mapping[str, Any]) -> int:
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
