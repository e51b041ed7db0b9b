"""Requests at the edge of what a serverless endpoint takes."""

import base64
import io
import json
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import numpy as np
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.settings import Settings
from local.sagemaker.serverless import INVOCATION_SECONDS, MOST_BYTES, resident_mb
from trust.apart import apart
from trust.handler_stack import handler_stack
from trust.promise import Promise


def recording(size: int, rate: int, generator: np.random.Generator) -> str:
    """Return a WAV file of about `size` bytes of noise in base64."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        noise = generator.integers(-9000, 9000, size // 2, dtype=np.int16)
        sound.writeframes(noise.tobytes())
    return base64.b64encode(file.getvalue()).decode()


def largest(attempts: int) -> str:
    """Ask for as much as there may be, in every way, behind the serving image's stack."""
    generator = np.random.default_rng(3)
    bytes_, seconds, memory, refused = 0, 0.0, 0.0, 0
    with handler_stack() as stack:
        for number in range(attempts):
            count = int(2 ** generator.uniform(0, 9))
            request: dict[str, Any] = [
                {"label": "seven", "count": count},
                {"from": "three", "to": "seven", "steps": count},
                {"z": generator.normal(size=(count, 32)).round(3).tolist()},
                {
                    "audio": recording(
                        int(generator.uniform(1e5, 2.9e6)),
                        int(generator.choice([8000, 48000])),
                        generator,
                    ),
                    "count": min(count, 16),
                },
            ][number % 4]
            body = json.dumps(request).encode()
            if len(body) > MOST_BYTES:
                continue
            began = time.monotonic()
            answer = requests.post(f"{stack.url}/invocations", data=body, timeout=300)
            seconds = max(seconds, time.monotonic() - began)
            memory = max(memory, resident_mb(stack.pid))
            bytes_ = max(bytes_, len(answer.content))
            what = f"request {number + 1}, {str(request)[:60]}"
            if answer.status_code != 200:
                assert answer.status_code == 400, f"{what}: {answer.status_code} {answer.text}"
                assert answer.json()["description"], f"{what}: no sentence"
                refused += 1
    limit = Settings().endpoint_memory_mb
    assert bytes_ <= MOST_BYTES, f"an answer of {bytes_:,} bytes"
    assert seconds <= INVOCATION_SECONDS, f"an answer took {seconds:.0f} s"
    assert memory <= limit, f"{memory:.0f} MB of memory"
    return (
        f"{attempts - refused} of {attempts} answered, {refused} refused with a sentence; at most "
        f"{bytes_ / 1e6:.1f} MB, {seconds:.1f} s, {memory:.0f} MB of memory"
    )


def throttled(attempts: int) -> str:
    """Let three times as many callers ask at once as the endpoint takes, without retries."""
    from trust.product import product

    deployed = product()
    most = Settings().endpoint_max_concurrency
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=3 * most)
    where = deployed.client("sagemaker-runtime").meta
    api = boto3.client(
        "sagemaker-runtime",
        region_name=where.region_name,
        endpoint_url=where.endpoint_url,
        config=once,
    )

    def ask(seed: int) -> str:
        body = json.dumps({"label": "seven", "seed": seed, "count": 8})
        try:
            answer = api.invoke_endpoint(EndpointName=deployed.endpoint, Body=body)
            sounds = json.loads(answer["Body"].read())["sounds"]
            assert len(sounds) == 8, f"{len(sounds)} sounds for eight"
            return "answered"
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(3 * most) as pool:
        outcomes = list(pool.map(ask, range(attempts)))
    counts = {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
    assert set(counts) <= {"answered", "ThrottlingException"}, counts
    return ", ".join(f"{number:,} {outcome}" for outcome, number in counts.items())


PROMISES = [
    Promise(
        "The largest requests stay within a serverless endpoint's 4 MB, 60 s and memory",
        "many sounds, long morphs and recordings of up to 4 MB, with a read-only file system",
        200,
        largest,
    ),
    Promise(
        "Too many callers at once are throttled, and the others hear all that they asked for",
        "three times as many as the endpoint takes, without retries, on the stand-in",
        300,
        apart(throttled),
    ),
]
