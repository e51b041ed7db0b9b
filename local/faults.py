"""Makes happen here what goes wrong on AWS: `python -m local --fault no-quota=ml.g5.xlarge`.

    no-quota=TYPE         a job on that instance type is refused with ResourceLimitExceeded
    no-spot-quota=TYPE    ... for spot training only, which has quotas of its own
    throttled=TYPE        ... the first time answers ThrottlingException
    busy=CALL             the next CreateModel, CreateEndpointConfig or UpdateEndpoint is throttled
    mishap=SERVICE:KIND   the next request to s3 or sagemaker goes wrong: slow-down, reset, lost or
                          partial (local/mishaps.py)
    unreliable=SHARE      by chance so many of all requests to S3 and SageMaker go wrong
    killed=HOST           the container of a processing job on that host, such as algo-2, is killed
                          when it has begun its work, as for want of memory
    disk-full=TYPE        the disk of a job on that type is full before it holds the channels
    no-capacity=TYPE      a job on that type fails with CapacityError; a spot job waits in vain
    no-spot-capacity=TYPE ... only a spot job, until MaxWaitTimeInSeconds is over
    interrupt-after=S     a spot instance is reclaimed S seconds after it has reported its first
                          figures, once for each such option: SIGTERM, two minutes later SIGKILL
    metrics-lag=S         FinalMetricDataList is empty until S seconds after the end of the job
    update-takes=S        an endpoint takes S seconds longer to come up with a config
    update-fails=REASON   endpoints do not come up with a new config, and say REASON
    cold-starts=N         an endpoint answers its first N requests after each update with
                          ModelNotReadyException (without this option: the first one of a role)
    container-dies=N      the container of a transform job ends at its N-th request and stays away
    silence=yes           endpoints answer with sounds that are silent

Tests set the fields of `current` instead.
"""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

MISHAPS = ("slow-down", "reset", "lost", "partial")
"""What may happen to a request on its way (local/mishaps.py)."""


@dataclass
class Faults:
    """Each kind of fault, and what it applies to."""

    no_quota: set[str] = field(default_factory=set)  # instance types
    no_spot_quota: set[str] = field(default_factory=set)  # instance types
    throttled: list[str] = field(default_factory=list)  # instance types, one item for each call
    busy: list[str] = field(default_factory=list)  # calls of SageMaker's, one item for each
    mishaps: list[str] = field(default_factory=list)  # SERVICE:KIND, one for each request
    unreliable: float = 0  # share of the requests
    chance: random.Random = field(default_factory=lambda: random.Random(1), compare=False)
    killed: set[str] = field(default_factory=set)  # hosts
    disk_full: set[str] = field(default_factory=set)  # instance types
    no_capacity: set[str] = field(default_factory=set)  # instance types
    no_spot_capacity: set[str] = field(default_factory=set)  # instance types
    metrics_lag: float = 0  # seconds of local.clock
    interrupt_after: list[float] = field(default_factory=list)  # seconds, one for each interruption
    warning_seconds: float = 120  # between SIGTERM and SIGKILL of an interrupted instance
    update_takes: float = 0  # seconds of local.clock
    update_fails: str = ""  # the reason
    cold_starts: int = 1  # requests that an endpoint refuses after each update ...
    cold_for_all: bool = False  # ... and whether to everybody, or only to sessions of roles
    container_dies: list[int] = field(default_factory=list)  # requests, one item for each container
    silence: bool = False

    def refusal(
        self, instance_type: str, spot: bool, count: int = 1, job: str = "training"
    ) -> tuple[str, str] | None:
        """Return code and message with which a job on this type is refused, if it is."""
        if instance_type in self.throttled:
            self.throttled.remove(instance_type)
            return "ThrottlingException", "Rate exceeded"
        without = self.no_quota | self.no_spot_quota if spot else self.no_quota
        if instance_type not in without:
            return None
        return "ResourceLimitExceeded", (
            f"The account-level service limit '{instance_type} for {'spot ' if spot else ''}"
            f"{job} job usage' is 0 Instances, with current utilization of 0 Instances and a "
            f"request delta of {count} Instances. Please use AWS Service Quotas to request an "
            "increase for this quota. If AWS Service Quotas is not available, contact AWS support "
            "to request an increase for this quota."
        )

    def has_capacity(self, instance_type: str, spot: bool) -> bool:
        """Tell whether AWS has an instance to give."""
        without = self.no_capacity | self.no_spot_capacity if spot else self.no_capacity
        return instance_type not in without

    def is_busy(self, call: str) -> bool:
        """Tell whether this call is throttled."""
        if call not in self.busy:
            return False
        self.busy.remove(call)
        return True

    def mishap(self, service: str) -> str | None:
        """Return what goes wrong with this request to `s3` or `sagemaker`, if something does."""
        for kind in MISHAPS:
            if f"{service}:{kind}" in self.mishaps:
                self.mishaps.remove(f"{service}:{kind}")
                return kind
        if self.unreliable and self.chance.random() < self.unreliable:
            return self.chance.choice(MISHAPS)
        return None

    def next_interruption(self) -> float | None:
        """Return the seconds after which the instance that starts now is reclaimed."""
        return self.interrupt_after.pop(0) if self.interrupt_after else None

    def next_death(self) -> int | None:
        """Return the number of the request at which the container that starts now ends."""
        return self.container_dies.pop(0) if self.container_dies else None

    def silenced(self, body: bytes) -> bytes:
        """Return an endpoint's JSON answer as that of a model that makes no sound."""
        try:
            answer = json.loads(body)
            for sound in answer["sounds"]:
                sound["rms"] = 0.0
        except (ValueError, KeyError, TypeError):  # no such JSON
            return body
        return json.dumps(answer).encode()


current = Faults()
"""Nothing goes wrong until somebody says so."""

_LISTS = {
    "throttled": str,
    "busy": str,
    "mishap": str,
    "interrupt-after": float,
    "container-dies": int,
}
_FIELDS = {"mishap": "mishaps"}  # that have another name than the option
_NUMBERS = ("metrics-lag", "update-takes", "unreliable")
_SETS = ("no-quota", "no-spot-quota", "killed", "disk-full", "no-capacity", "no-spot-capacity")


def add(options: Iterable[str]) -> None:
    """Add faults as they are written on the command line; raises `ValueError` for unknown ones."""
    for option in options:
        kind, _, value = option.partition("=")
        name = _FIELDS.get(kind, kind.replace("-", "_"))
        if not value:
            raise ValueError(f"--fault {option}: write KIND=VALUE, such as no-quota=ml.g5.xlarge")
        if kind in _LISTS:
            getattr(current, name).append(_LISTS[kind](value))
        elif kind in _SETS:
            getattr(current, name).add(value)
        elif kind == "update-fails":
            current.update_fails = value
        elif kind in _NUMBERS:
            setattr(current, name, float(value))
        elif kind == "cold-starts":
            current.cold_starts, current.cold_for_all = int(value), True
        elif kind == "silence":
            current.silence = value == "yes"
        else:
            known = ", ".join(
                [*_SETS, *_LISTS, *_NUMBERS, "update-fails", "cold-starts", "silence"]
            )
            raise ValueError(f"--fault {option}: {kind} is none of {known}")


def clear() -> None:
    """Remove all faults."""
    current.__dict__.update(Faults().__dict__)
