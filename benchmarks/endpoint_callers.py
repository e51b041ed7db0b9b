"""What the callers of `benchmarks.endpoint_load` ask, and whether each answer is the right one.

A locustfile: it signs its requests as AWS's SDKs do. LOAD_ENDPOINT is the endpoint's name,
LOAD_EXPECTED a JSON file with a list of {"body": ..., "sounds": {MODEL: SHA-256}}: the sound that
each model makes of a request. Locust's entries are called `answered MODEL` and `throttled`.
"""

import hashlib
import json
import os
import random
from pathlib import Path

import gevent
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import get_session
from locust import FastHttpUser, task

EXPECTED = json.loads(Path(os.environ["LOAD_EXPECTED"]).read_text())
PATH = f"/endpoints/{os.environ['LOAD_ENDPOINT']}/invocations"
WAIT_SECONDS = 0.5
"""Between a request that was throttled and the next one."""
ANSWERED, THROTTLED = "answered", "throttled"

session = get_session()
signer = SigV4Auth(
    session.get_credentials(), "sagemaker", session.get_config_variable("region") or "us-east-1"
)


class Caller(FastHttpUser):
    """Asks for one sound after another."""

    network_timeout = connection_timeout = 65.0  # an invocation takes 60 s at most

    @task
    def ask(self) -> None:
        """Ask for a sound; what is answered has to be that sound, of one of the models."""
        known = random.choice(EXPECTED)
        headers = {"Content-Type": "application/json", "Accept": "audio/wav"}
        request = AWSRequest("POST", f"{self.host}{PATH}", headers, known["body"])
        signer.add_auth(request)
        with self.client.post(
            PATH,
            data=known["body"],
            headers=dict(request.headers),
            name=ANSWERED,
            catch_response=True,
        ) as answer:
            throttled = answer.status_code == 429
            if throttled:
                answer.request_meta["name"] = THROTTLED
                answer.success()
            elif answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {(answer.text or '')[:100]}")
            else:
                heard = hashlib.sha256(answer.content).hexdigest()
                models = [model for model, sound in known["sounds"].items() if sound == heard]
                if models:
                    answer.request_meta["name"] = f"{ANSWERED} {models[0]}"
                    answer.success()
                else:
                    answer.failure("the sound of another request")
        if throttled:
            gevent.sleep(WAIT_SECONDS)
