"""What the quick train.py is told to do, and what it has written."""

import json
from typing import Any

from tests.local.deployment import Deployed
from tests.local.waiting import until


def order(product: Deployed, folder: str, **orders: Any) -> dict[str, Any]:
    """Put a sound and the quick train.py's orders into a folder; return an input that names it."""
    files = {"a_1.wav": b"RIFF", "a_2.wav": b"RIFF", "orders.json": json.dumps(orders).encode()}
    for name, body in files.items():
        product.client("s3").put_object(Bucket=product.bucket, Key=folder + name, Body=body)
    return {"data": folder}


def wait_for_training(product: Deployed, execution: str) -> str:
    """Wait until the newest job's script runs; return the job's name."""
    product.wait_for_state(execution, "Train the model")

    def running() -> str:
        name = product.job_names()[-1]
        if product.job(name)["SecondaryStatus"] == "Training":
            return name
        product.assert_running(execution)
        return ""

    return until(running)
