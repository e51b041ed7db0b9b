"""Writes docs/settings.md from the settings themselves: `python -m infra.settings_page`."""

import json
from dataclasses import fields
from pathlib import Path
from typing import cast

from infra.settings import KEY, Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"

BEFORE = f"""# Settings

They are in [cdk.json](../cdk.json), under `"context"`, as `"{KEY}<setting>"`. `cdk deploy` reads
them; `cdk deploy -c {KEY}endpoint_memory_mb=4096` overrides one, for this deployment alone.
Lists are written `a,b,c` on the command line. A wrong name or value stops `cdk synth` with a
sentence. (`python -m infra.settings_page` writes this page.)

| setting | what it is | values | default |
|---|---|---|---|
"""

AFTER = """
An execution's input may override `instance_types`, `max_runtime_minutes`, `spot` and `promote`.

Another `name` is another stack, `SoundVae-<name>`: several stages live side by side, in one account
and region too. The default name's stack is `SoundVae`. Graphs of training find jobs by the words of
the name, so those of `sound-vae` also show the jobs of a stage `sound-vae-b`.

## What the idle stack costs

A month, while nobody trains or calls the endpoint:

| what | price |
|---|---|
| serverless endpoint, state machines, table, roles, parameters, rules, topic | nothing |
| 2 alarms | about $0.10 each; an account's first ten are free |
| one more with `train_after_upload_minutes`, of two metrics | about $0.20 |
| dashboard | about $3; an account's first three are free |
| what lies in the bucket, with former versions and results | some two cents a GB |
| logs that are kept | some three cents a GB |
| `endpoint_provisioned_concurrency`, if it is not 0 | by the hour, also when nobody calls |
| `endpoint_min_instances`, if `endpoint` is `instance` | each some $75 for ml.c6i.large |
| the key in `kms_key_arn` or `volume_kms_key_arn`, if it is yours | $1 each |

What is free, and the price of a key, are from AWS's pages for
[CloudWatch](https://aws.amazon.com/cloudwatch/pricing/) and
[KMS](https://aws.amazon.com/kms/pricing/), as of 2026. What says "about" or "some" is the order of
magnitude in us-east-1, as others quoted those pages and that for
[S3](https://aws.amazon.com/s3/pricing/) in 2026; other regions differ by some tenths. AWS's pages
are what counts, also for [SageMaker](https://aws.amazon.com/sagemaker/pricing/).

## Spare capacity

Training is on demand by default: a run takes minutes and costs cents, and capacity is there. With
`spot` it costs less, may have to wait, and needs quotas of its own: *ml.g5.xlarge for spot training
job usage* beside *ml.g5.xlarge for training job usage*, one of each for every type in
`instance_types`. New accounts have zero of those for GPUs.

## What is encrypted with what

Everything is encrypted at rest and travels over TLS only. The bucket uses the keys of S3, or the
key in `kms_key_arn`, with which training jobs then also write their results. Without it SageMaker
writes results with the account's default KMS key for S3, `aws/s3`, which is not the bucket's own
default
([OutputDataConfig](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html):
"If you don't provide a KMS key ID, SageMaker uses the default KMS key for Amazon S3 for your
role's account"): nobody of another account can read those.

Types with a local NVMe disk, such as ml.g5 and ml.g4dn, encrypt it by hardware: they take neither
`training_volume_gb` nor `volume_kms_key_arn`, and a job gets the whole disk. The topic for alarms
is encrypted by SNS; its messages name what failed and hold no data.

Jobs and endpoint may use the key only while `kms_key_arn` names it. After it was taken away,
`aws s3 cp --recursive --sse AES256 s3://BUCKET s3://BUCKET` writes the files anew without it.

## Deleted voices are really gone

The bucket keeps former versions, so that a slip can be undone. What is deleted or replaced below
`audio/` and `spectrograms/` can be brought back for `forgotten_days` (30), and is then gone for
good, by rules of the bucket that S3 carries out within about a day. Models and reports remember
what they were made from, and so do shards below `prepared/`: to forget a voice altogether, delete
also `prepared/`, which is made again, and the results below `output/` and `models/` that were
trained on it, and train anew. Without `output_days` results stay until
somebody deletes them, and their former versions as well.

## A bucket of your own

`bucket_name` takes a bucket that is there: one that a former stack left behind, or one that you
manage. It must be of this account and region, and for this stack alone, as all stages use the same
folders. Its policy, versions, lifecycle and CORS stay as they are, and it stays when the stack
goes, whatever `retain_data` says. Give it what the stack gives to its own: public access blocked,
versions turned on, encryption, rules that expire former versions below `audio/` and
`spectrograms/`, files below `checkpoints/` after 30 days and uploads that broke off; EventBridge
notifications if `train_after_upload_minutes` is not 0; and this policy:

```json
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Deny",
      "Principal": {"AWS": "*"},
      "Action": "s3:*",
      "Resource": ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"],
      "Condition": {"Bool": {"aws:SecureTransport": "false"}}
    }
  ]
}
```

## Training in a network of your own

With `subnet_ids` and `security_group_ids` jobs run in your VPC. They need to reach S3 there (a
gateway endpoint costs nothing) and, to install the packages of `training/requirements.txt`, the
internet through a NAT gateway or a mirror. Each job takes two addresses of a subnet.

With `network_isolation` a job reaches nothing at all. SageMaker brings data and source to it and
takes the results away; packages must be in your `training_image`. The endpoint is in SageMaker's
own network: serverless knows neither VPC nor isolation.

## What answers requests

`endpoint` is `serverless` or `instance`; [serving](serving.md) says when to take which, why another
kind or type is another endpoint, and how the number of machines follows the traffic. Settings of
the other kind do nothing.

## What a job may write

No job can change what is served. With `network_isolation` a job writes only below its own run: its
container gets no AWS credentials
([AWS](https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html): "no AWS
credentials are made available to the container runtime environment"), and SageMaker uploads to the
places that the request names. Without it a program that a package brings along may also write to
other runs' folders below `output/` and `checkpoints/`, and delete checkpoints there, as all jobs
have one role. The bucket keeps what is replaced or deleted as a former version: below
`checkpoints/` for a day, below `output/` until somebody deletes it, or with `output_days` for
`forgotten_days`.

## By the clock and on upload

`schedule` starts an execution with the input `{}`: `rate(7 days)`, or `cron(0 3 ? * SUN *)` for
Sundays at three, UTC. `train_after_upload_minutes` starts one when uploads below `audio/` and
`spectrograms/` have been quiet for so long, and a minute at most; what is uploaded while an
execution is under way starts another after its end. A bucket of your own (`bucket_name`) must send
its events for that, which the stack cannot turn on: *Properties*, *Event notifications*, *Amazon
EventBridge* in the console of S3. Both are off by default, as each run costs money.

## Removing the stack

`cdk destroy` removes the endpoint, the state machine, roles, alarms, the dashboard and records.
What remains:

- the bucket with its policy, unless `retain_data` was `false` at the last deployment; `bucket_name`
  makes it the next stack's;
- models and endpoint configs that promotions made, at most two of each, named `<name>--…`, and the
  models of sounds in bulk that were cut short, `<name>--…--batch`: they are descriptions, cost
  nothing, and answer no requests without an endpoint;
- the log groups that SageMaker wrote, `/aws/sagemaker/TrainingJobs`,
  `/aws/sagemaker/TransformJobs` and `/aws/sagemaker/Endpoints/<name>`, with the retention that
  `log_retention_days` gave them;
- the log groups of the CDK's own functions, which make the deploy-time calls:
  `/aws/lambda/<stack>-AWS679f53fac002430cb0da5b7982bd2287…`, and with `retain_data` `false`
  `/aws/lambda/<stack>-CustomS3AutoDeleteObjects…`;
- the rules `StepFunctionsGetEventsForSageMakerTrainingJobsRule` and `…TransformJobsRule` in
  EventBridge, through which Step Functions learns that a job has ended: all state machines of the
  account and region share them, and they cost nothing;
- what AWS itself keeps: the list of past jobs, metrics (15 months), traces (30 days);
- what `cdk bootstrap` made, with the copies of source and starter in its bucket of assets.
"""


def page() -> str:
    """Write the page: a row for each setting."""
    rows = []
    for setting in fields(Settings):
        default = setting.default
        shown = json.dumps(list(default) if isinstance(default, tuple) else default)
        rows.append(
            f"| `{setting.name}` | {setting.metadata['description']} "
            f"| {_values(default, dict(setting.metadata))} | `{shown}` |\n"
        )
    return BEFORE + "".join(rows) + AFTER


def _values(default: object, rule: dict[str, object]) -> str:
    if isinstance(default, bool):
        return "`true` or `false`"
    if "choices" in rule:
        return ", ".join(map(str, cast(tuple[int, ...], rule["choices"])))
    if isinstance(default, int):
        steps = f" in steps of {rule['step']}" if "step" in rule else ""
        return f"{rule['minimum']} to {rule['maximum']}{steps}"
    shape = str(rule["shape"]).replace("<", "&lt;")
    longest = f"; at most {rule['longest']} characters" if "longest" in rule else ""
    return f"{'a list of ' if isinstance(default, tuple) else ''}{shape}{longest}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
