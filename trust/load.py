"""Many callers at once, a model server that dies, and a promotion in the middle of it."""

import io
import json
import signal
import statistics
import threading
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from benchmarks.locusts import locust, percentile
from local.sagemaker.serverless import resident_mb
from trust import ROOT
from trust.apart import apart
from trust.handler_stack import HandlerStack, handler_stack
from trust.promise import Promise

STEPS = [1, 2, 4, 8, 16, 32]  # callers
MOST_GROWTH = 0.1  # of the memory between the first and the last third of the load
SAMPLE_SECONDS = 0.2
PATIENCE_SECONDS = 120


def callers(attempts: int) -> str:
    """Let more and more callers ask for `attempts` seconds in all."""
    with handler_stack() as stack:
        requests.post(f"{stack.url}/invocations", json={}, timeout=60)  # what is made once
        memory, done = [resident_mb(stack.pid)], threading.Event()

        def sample() -> None:
            while not done.wait(SAMPLE_SECONDS):
                memory.append(resident_mb(stack.pid))

        sampling = threading.Thread(target=sample)
        sampling.start()
        try:
            steps = _locust(stack, attempts / len(STEPS))
        finally:
            done.set()
            sampling.join()
    failed = {step["name"]: step["num_failures"] for step in steps if step["num_failures"]}
    assert not failed, f"failed, by the number of callers: {failed}"
    third = max(1, len(memory) // 3)
    first, last = statistics.median(memory[:third]), statistics.median(memory[-third:])
    assert last <= first * (1 + MOST_GROWTH), f"memory grew from {first:.0f} to {last:.0f} MB"
    total = sum(step["num_requests"] for step in steps)
    slowest = "; ".join(_step(step, attempts / len(STEPS)) for step in steps)
    return f"{total:,} requests, no error; {slowest}; memory {first:.0f} to {last:.0f} MB"


def _locust(stack: HandlerStack, step_seconds: float) -> list[dict[str, Any]]:
    """Return Locust's figures, one for each number of callers."""
    environment = {
        "TRUST_STEPS": " ".join(map(str, STEPS)),
        "TRUST_STEP_SECONDS": str(step_seconds),
    }
    steps = locust(ROOT / "trust" / "callers.py", stack.url, environment)
    return sorted(steps, key=lambda step: int(step["name"]))


def _step(step: dict[str, Any], seconds: float) -> str:
    rate = step["num_requests"] / seconds
    half, most = (percentile(step, share) for share in (0.5, 0.99))
    return f"{step['name']} at once {rate:.0f}/s, p50 {half:.0f} ms, p99 {most:.0f} ms"


def killed(attempts: int) -> str:
    """Kill the model server while it has a request; the handler's process stays."""
    waited = []
    with handler_stack() as stack, ThreadPoolExecutor(1) as caller:

        def ask() -> requests.Response:
            return requests.post(f"{stack.url}/invocations", json={"seed": 1}, timeout=60)

        well = ask().content
        for number in range(attempts):
            server = stack.model_server()
            server.suspend()  # so that it has the request, and has not answered
            answer = caller.submit(ask)
            time.sleep(0.2)
            server.send_signal(signal.SIGKILL)
            began = time.monotonic()
            response = answer.result()
            while response.status_code != 200:
                assert response.status_code == 503, f"kill {number + 1}: {response.status_code}"
                assert response.json()["description"], f"kill {number + 1}: no sentence"
                assert time.monotonic() - began < PATIENCE_SECONDS, f"kill {number + 1}: still ill"
                time.sleep(SAMPLE_SECONDS)
                response = ask()
            assert response.content == well, "another sound than before"
            waited.append(time.monotonic() - began)
    return f"{attempts} of {attempts}: a sentence with 503, and well again in {max(waited):.1f} s"


def promoted(attempts: int) -> str:
    """Promote models while as many callers ask as the endpoint takes at once."""
    from trust.product import left_consistent, product

    deployed, over = product(), threading.Event()
    api = deployed.client("sagemaker-runtime")
    starter = {"model": f"s3://{deployed.bucket}/models/starter/model.tar.gz"}

    def ask(seed: int) -> bytes:
        answer = api.invoke_endpoint(
            EndpointName=deployed.endpoint,
            Body=json.dumps({"label": "seven", "seed": seed}),
            ContentType="application/json",
            Accept="audio/wav",
        )
        return bytes(answer["Body"].read())

    expected = {seed: ask(seed) for seed in range(CALLERS)}
    assert len(set(expected.values())) == CALLERS
    with wave.open(io.BytesIO(expected[0]), "rb") as sound:
        assert sound.getnframes() > 0

    def call(seed: int) -> int:
        count = 0
        while not over.is_set():
            assert ask(seed) == expected[seed], f"seed {seed} was answered with another sound"
            count += 1
        return count

    with left_consistent(deployed, "promotions under load"), ThreadPoolExecutor(CALLERS) as pool:
        counts = [pool.submit(call, seed) for seed in range(CALLERS)]
        try:
            for _ in range(attempts):
                deployed.run(starter)
        finally:
            over.set()
        answered = sum(count.result() for count in counts)
    return f"{answered:,} requests during {attempts} promotions, all answered with their own sound"


CALLERS = 4
"""One fewer than a default endpoint answers at once."""

PROMISES = [
    Promise(
        "Many callers at once are all answered, each with its own sound, and memory stays flat",
        "Locust, 1 to 32 callers for 300 s, against the serving image's falcon, gunicorn, gevent",
        300,
        callers,
    ),
    Promise(
        "A model server that dies costs a request a 503 with a sentence, and soon all is well",
        "SIGKILL while it has a request, behind the same stack",
        10,
        killed,
    ),
    Promise(
        "A promotion under load fails no request and mixes up no answer",
        f"{CALLERS} callers through InvokeEndpoint while models are promoted, on the stand-in",
        10,
        apart(promoted),
    ),
]
