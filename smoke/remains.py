"""What a removed stage leaves behind: compared with what the page says, then removed.

docs/settings.md names what remains: models and endpoint configs of promotions, and log groups that
others than CloudFormation made.
"""

from typing import Any

from botocore.exceptions import ClientError

from smoke.answers import Found
from smoke.stage import Stage


def only_what_the_page_says(stage: Stage) -> Found:
    """List what should be gone; then delete what the page says is left."""
    unexpected = []
    if status := stage.status():
        unexpected.append(f"the stack, {status}")
    if stage.outputs:
        unexpected += _not_removed(stage)
    expected = _sweep(stage)
    seen = f"should be gone: {'; '.join(unexpected) or 'nothing'}. "
    return Found(not unexpected, f"{seen}Left and now removed: {'; '.join(expected) or 'nothing'}")


def _not_removed(stage: Stage) -> list[str]:
    name, bucket = stage.output("EndpointName"), stage.output("BucketName")
    looks: dict[str, tuple[str, str, dict[str, Any]]] = {
        f"the endpoint {name}": ("sagemaker", "describe_endpoint", {"EndpointName": name}),
        f"the bucket {bucket}": ("s3", "head_bucket", {"Bucket": bucket}),
        "the record": ("ssm", "get_parameter", {"Name": stage.output("ServedModelParameter")}),
    }
    found = []
    for what, (api, call, arguments) in looks.items():
        try:
            getattr(stage.client(api), call)(**arguments)
        except ClientError:
            continue
        found.append(what)
    pages = stage.client("stepfunctions").get_paginator("list_state_machines")
    machines = [machine["name"] for page in pages.paginate() for machine in page["stateMachines"]]
    found += [
        f"the state machine {machine}"
        for machine in machines
        if machine == name or machine.startswith(f"{name}--")
    ]
    running = stage.client("sagemaker").list_training_jobs(
        NameContains=f"{name}--", StatusEquals="InProgress"
    )["TrainingJobSummaries"]
    return found + [f"the running training job {job['TrainingJobName']}" for job in running]


def _sweep(stage: Stage) -> list[str]:
    swept = []
    api, part = stage.client("sagemaker"), f"{stage.name}--"
    for config in api.list_endpoint_configs(NameContains=part)["EndpointConfigs"]:
        api.delete_endpoint_config(EndpointConfigName=config["EndpointConfigName"])
        swept.append(f"endpoint config {config['EndpointConfigName']}")
    for model in api.list_models(NameContains=part)["Models"]:
        api.delete_model(ModelName=model["ModelName"])
        swept.append(f"model {model['ModelName']}")
    for group in list(stage.log_groups()):
        stage.client("logs").delete_log_group(logGroupName=group)
        swept.append(f"log group {group}")
    return swept
