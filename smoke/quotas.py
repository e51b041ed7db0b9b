"""The account's quotas on what the stage needs, which are lower in new accounts."""

import re

from smoke.account import Account
from smoke.answers import Found

CONCURRENCY = 5  # endpoint_max_concurrency of the stage
SHARED = re.compile(r"total concurrency.*serverless", re.IGNORECASE)


def suffice(account: Account, instance_types: list[str]) -> Found:
    """List them; yes if the endpoint fits and one of the types may train, on spot or not."""
    pages = account.client("service-quotas").get_paginator("list_service_quotas")
    quotas = {
        quota["QuotaName"]: quota["Value"]
        for page in pages.paginate(ServiceCode="sagemaker")
        for quota in page["Quotas"]
    }
    serverless = {name: value for name, value in quotas.items() if "serverless" in name.lower()}
    usage = [f"{kind} for training job usage" for kind in instance_types]
    training = {name: quotas.get(name, 0) for name in usage}
    spare = [f"{kind} for spot training job usage" for kind in instance_types]
    shared = [value for name, value in serverless.items() if SHARED.search(name)]
    enough = max(shared, default=0) >= CONCURRENCY and max(training.values()) >= 1
    listed = serverless | training | {name: quotas.get(name, 0) for name in spare}
    return Found(enough, "; ".join(f"{name}: {value:g}" for name, value in listed.items()))
