"""Addresses of pages in the AWS console."""


def console_url(region: str, path: str) -> str:
    """Put `path` into the console of `region`, whichever partition that is in."""
    if region.startswith("cn-"):
        domain = "console.amazonaws.cn"
    elif region.startswith("us-gov-"):
        domain = "console.amazonaws-us-gov.com"
    else:
        domain = "console.aws.amazon.com"
    return f"https://{region}.{domain}/{path}"


def state_machine_url(region: str, arn: str) -> str:
    """Link to the page with the state machine's *Start execution* button."""
    return console_url(region, f"states/home?region={region}#/statemachines/view/{arn}")


def execution_url(region: str, arn: str) -> str:
    """Link to the page of one execution, which says in a sentence why it failed."""
    return console_url(region, f"states/home?region={region}#/v2/executions/details/{arn}")


def training_job_url(region: str, name: str) -> str:
    """Link to the page of one training job, with its reason and its logs."""
    return console_url(region, f"sagemaker/home?region={region}#/jobs/{name}")


def training_quotas_url(region: str) -> str:
    """Link to where the quotas of SageMaker's training instances are raised."""
    return console_url(region, "servicequotas/home/services/sagemaker/quotas")
