"""Deployments that between them turn on every setting, for tests that hold for all of them."""

from typing import Any

REGION = "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"
VOLUME_KEY = f"arn:aws:kms:{REGION}:111122223333:key/0a1b2c3d-1111-4000-8000-000000000000"
OWN = f"111122223333.dkr.ecr.{REGION}.amazonaws.com"

VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "everything": {
        "name": "birds",
        "instance_types": ("ml.c5.2xlarge",),
        "max_runtime_minutes": 30,
        "longest_execution_hours": 24,
        "spot": True,
        "spot_wait_minutes": 20,
        "schedule": "cron(0 3 ? * SUN *)",
        "train_after_upload_minutes": 15,
        "promote": "always",
        "training_volume_gb": 50,
        "preparation_instance_type": "ml.c5.2xlarge",
        "volume_kms_key_arn": VOLUME_KEY,
        "subnet_ids": ("subnet-0a1b2c3d",),
        "security_group_ids": ("sg-0a1b2c3d",),
        "network_isolation": True,
        "endpoint_memory_mb": 4096,
        "endpoint_max_concurrency": 9,
        "endpoint_provisioned_concurrency": 2,
        "endpoint_update_minutes": 20,
        "alarm_email": "me@example.org",
        "tags": ("team=sound",),
        "kms_key_arn": KEY,
        "retain_data": False,
        "forgotten_days": 7,
        "output_days": 90,
        "log_retention_days": 30,
        "training_image": f"{OWN}/training:1",
        "serving_image": f"{OWN}/serving:1",
    },
    "on instances": {
        "endpoint": "instance",
        "endpoint_instance_type": "ml.m5.large",
        "endpoint_min_instances": 2,
        "endpoint_max_instances": 6,
        "endpoint_invocations_per_instance": 900,
        "log_retention_days": 30,
    },
    "a bucket that is there": {"bucket_name": "my-own-sounds", "kms_key_arn": KEY},
}
