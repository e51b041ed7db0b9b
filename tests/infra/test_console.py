"""Links open the console of the partition that the region is in."""

import pytest

from infra.console import state_machine_url, training_quotas_url


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("eu-west-1", "console.aws.amazon.com"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("cn-north-1", "console.amazonaws.cn"),
    ],
)
def test_links_lead_to_the_right_console(region: str, domain: str) -> None:
    assert state_machine_url(region, "arn:x") == (
        f"https://{region}.{domain}/states/home?region={region}#/statemachines/view/arn:x"
    )
    assert training_quotas_url(region) == (
        f"https://{region}.{domain}/servicequotas/home/services/sagemaker/quotas"
    )
