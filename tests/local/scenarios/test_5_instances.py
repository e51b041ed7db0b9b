"""The endpoint on instances: deployed in place of the serverless one, promoted to, and back."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.endpoint_load import other_voice
from local import clock, faults
from tests.local.deployment import Client, Deployed, deploy, settled, why
from tests.local.scenarios.assemblies import NAME, STACK
from tests.local.scenarios.ordering import order, wait_for_training

CALLERS = 4
DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def variant(product: Deployed) -> dict[str, Any]:
    found = product.client("sagemaker").describe_endpoint(EndpointName=product.endpoint)
    return found["ProductionVariants"][0]


def targets(product: Deployed) -> dict[str, tuple[int, int]]:
    """Fewest and most instances, by the resources that AWS scales."""
    api = product.client("application-autoscaling")
    found = api.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert {target["ScalableDimension"] for target in found} <= {DIMENSION}
    return {t["ResourceId"]: (t["MinCapacity"], t["MaxCapacity"]) for t in found}


def scale(product: Deployed, count: int) -> None:
    """Have another number of instances, as Application Auto Scaling does."""
    product.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=product.endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}],
    )


@pytest.fixture(scope="module", autouse=True)
def on_instances(product: Deployed, assemblies: Path, client: Client) -> Iterator[None]:
    """The stack with an instance, switched to while an execution trains; and back again."""
    deploy(assemblies / "as-it-is", client, STACK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "speed", 5)  # each instance really starts, and is to be waited for
        execution = product.start(order(product, "audio/slow/", epoch_seconds=4))
        wait_for_training(product, execution)
        promoted = product.served_model()
        deploy(assemblies / "instances", client, STACK)
        assert product.served_model() == promoted, "the switch keeps what was promoted"
        answer = product.finish(execution)
        assert answer["status"] == "SUCCEEDED", answer.get("cause")
        output = json.loads(answer["output"])
        assert output["endpoint"] == product.endpoint == f"{NAME}-ml-c6i-large"
        assert product.served_model() == output["model"]
        yield
        promoted = product.served_model()
        deploy(assemblies / "as-it-is", client, STACK)
        assert product.endpoint == NAME
        assert product.served_model() == promoted, "and so does the way back"
        assert "CurrentServerlessConfig" in variant(product)
        assert targets(product) == {}
        names = {e["EndpointName"] for e in client("sagemaker").list_endpoints()["Endpoints"]}
        assert f"{NAME}-ml-c6i-large" not in names, "it would cost money"


def test_the_endpoint_has_its_instances_and_aws_scales_them(product: Deployed) -> None:
    assert variant(product)["DesiredInstanceCount"] == 1
    assert targets(product) == {f"endpoint/{NAME}-ml-c6i-large/variant/AllTraffic": (1, 4)}
    (policy,) = product.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker"
    )["ScalingPolicies"]
    rule = policy["TargetTrackingScalingPolicyConfiguration"]
    assert rule["TargetValue"] == 3600


def test_a_promotion_keeps_the_instances_that_there_are_and_their_scaling(
    product: Deployed,
) -> None:
    before = targets(product)
    scale(product, 2)
    output = product.run({"promote": "always"})  # which waits until it has been scaled
    assert product.served_model() == output["model"]
    now = variant(product)
    assert (now["CurrentInstanceCount"], now["DesiredInstanceCount"]) == (2, 2)
    config = product.client("sagemaker").describe_endpoint_config(
        EndpointConfigName=product.config()
    )
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.c6i.large"
    assert targets(product) == before


def test_a_model_that_is_mute_is_taken_back_on_instances_as_well(product: Deployed) -> None:
    before, instances = product.config(), variant(product)["DesiredInstanceCount"]
    faults.current.silence = True
    assert "silence" in product.fail({})
    faults.clear()
    assert product.config() == before
    assert variant(product)["DesiredInstanceCount"] == instances


def test_promotions_under_load_fail_no_request_and_mix_up_no_answer(product: Deployed) -> None:
    api, over = product.client("sagemaker-runtime"), threading.Event()
    endpoint = product.endpoint

    def ask(seed: int) -> bytes:
        body = json.dumps({"label": "seven", "seed": seed})
        answer = api.invoke_endpoint(EndpointName=endpoint, Body=body, Accept="audio/wav")
        return bytes(answer["Body"].read())

    def voice() -> list[bytes]:
        return [ask(seed) for seed in range(CALLERS)]

    starter = f"s3://{product.bucket}/models/starter/model.tar.gz"
    body = (
        product.client("s3")
        .get_object(Bucket=product.bucket, Key="models/starter/model.tar.gz")["Body"]
        .read()
    )
    other = f"s3://{product.bucket}/models/other/model.tar.gz"
    product.client("s3").put_object(
        Bucket=product.bucket, Key="models/other/model.tar.gz", Body=other_voice(body)
    )
    product.run({"model": other})
    of_other = voice()
    product.run({"model": starter})
    of_starter = voice()
    assert len({*of_other, *of_starter}) == 2 * CALLERS, "each is another sound"

    def call(seed: int) -> list[str]:
        heard = []
        while not over.is_set():
            sound = ask(seed)
            assert sound in (of_starter[seed], of_other[seed]), f"not the sound of seed {seed}"
            heard.append("starter" if sound == of_starter[seed] else "other")
        return heard

    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(call, seed) for seed in range(CALLERS)]
        try:
            product.run({"model": other})
            time.sleep(0.5)
        finally:
            over.set()
        heard = [call.result() for call in calls]
    for sounds in heard:
        assert sounds == sorted(sounds, reverse=True), "the starter's, then the other's, for good"
        assert set(sounds) == {"starter", "other"}


def test_another_type_of_machine_is_another_endpoint_that_is_there_before_the_old_one_goes(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    promoted = product.served_model()
    deploy(assemblies / "other-instances", client, STACK)
    assert product.endpoint == f"{NAME}-ml-m5-large"
    assert product.served_model() == promoted
    assert targets(product) == {f"endpoint/{NAME}-ml-m5-large/variant/AllTraffic": (1, 4)}
    deploy(assemblies / "instances", client, STACK)
    assert product.served_model() == promoted
    assert list(targets(product)) == [f"endpoint/{NAME}-ml-c6i-large/variant/AllTraffic"]


def test_a_switch_that_fails_leaves_the_endpoint_and_its_scaling_as_they_were(
    product: Deployed, assemblies: Path, client: Client
) -> None:
    before = product.endpoint, product.served_model(), targets(product)
    faults.current.update_fails = "No capacity for ml.m5.large."
    with pytest.raises(AssertionError, match="No capacity"):
        deploy(assemblies / "other-instances", client, STACK)
    assert settled(client, STACK) == "UPDATE_ROLLBACK_COMPLETE", why(client, STACK)
    faults.clear()
    assert (product.endpoint, product.served_model(), targets(product)) == before


def test_aws_makes_no_serverless_endpoint_of_one_with_instances(
    product: Deployed, client: Client
) -> None:
    api = client("sagemaker")
    config = api.describe_endpoint_config(EndpointConfigName=product.config())
    (now,) = config["ProductionVariants"]
    kept = {key: now[key] for key in ("VariantName", "ModelName")}
    other: dict[str, dict[str, Any]] = {
        "to-serverless": {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}},
        "to-another-type": {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1},
    }
    for name, capacity in other.items():
        api.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**kept, **capacity}]
        )
        with pytest.raises(ClientError, match=r"serverless|must be deregistered"):
            api.update_endpoint(EndpointName=product.endpoint, EndpointConfigName=name)
        api.delete_endpoint_config(EndpointConfigName=name)
    assert product.endpoint_status() == "InService"
