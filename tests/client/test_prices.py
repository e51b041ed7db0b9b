"""What a run costs, in the answers of AWS's price list."""

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from client.prices import Prices, dollars
from client.stack import Connection

KIND = "ml.g5.xlarge"


def product(usage_type: str, price: str) -> str:
    """As GetProducts answers: a text of JSON for each product."""
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": price}, "beginRange": "0"}
    return json.dumps(
        {
            "product": {"attributes": {"instanceName": KIND, "usagetype": usage_type}},
            "terms": {"OnDemand": {"SKU.TERM": {"priceDimensions": {"SKU.TERM.RATE": dimension}}}},
        }
    )


def asked() -> dict[str, Any]:
    fields = {"instanceName": KIND, "regionCode": "eu-west-1"}
    filters = [{"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in fields.items()]
    return {"ServiceCode": "AmazonSageMaker", "Filters": filters}


@pytest.fixture
def stub() -> Stubber:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return Stubber(boto3.client("pricing", region_name="us-east-1", **keys))


def test_the_price_of_a_training_hour_is_found_among_the_others_and_asked_for_once(
    stub: Stubber,
) -> None:
    listed = [product(f"EU-Host:{KIND}", "9"), product(f"EU-Train:{KIND}", "1.6110000000")]
    stub.add_response("get_products", {"PriceList": listed}, asked())
    prices = Prices(stub.client, "eu-west-1")
    with stub:
        assert prices.of_run({"instance_type": KIND, "billable_seconds": 600}) == 1.611 / 6
        assert prices.an_hour(KIND) == 1.611
    assert prices.of_run({"instance_type": KIND}) is None


def test_an_hour_of_transforming_has_a_price_of_its_own(stub: Stubber) -> None:
    listed = [product(f"EU-Train:{KIND}", "9"), product(f"EU-Tsform:{KIND}", "0.5")]
    for _ in range(2):
        stub.add_response("get_products", {"PriceList": listed}, asked())
    prices = Prices(stub.client, "eu-west-1")
    with stub:
        assert prices.of_transform(KIND, 7200) == 1.0
        assert prices.an_hour(KIND) == 9.0


def test_what_is_not_listed_has_no_price(stub: Stubber) -> None:
    stub.add_response("get_products", {"PriceList": [product(f"EU-Host:{KIND}", "9")]}, asked())
    with stub:
        assert Prices(stub.client, "eu-west-1").an_hour(KIND) is None


def test_who_may_not_ask_is_told_why_and_asks_no_more(stub: Stubber) -> None:
    stub.add_client_error("get_products", "AccessDeniedException", "not authorized to GetProducts")
    prices = Prices(stub.client, "eu-west-1")
    with stub:
        assert [prices.an_hour(KIND), prices.an_hour("ml.c5.2xlarge")] == [None, None]
    assert "not authorized to GetProducts" in prices.refused


def test_the_stand_in_costs_nothing(connection: Connection) -> None:
    prices = Prices.of(connection)
    assert prices.an_hour(KIND) is None
    assert not prices.refused


def test_amounts_read_as_people_write_them() -> None:
    assert [dollars(1.254), dollars(0.05), dollars(0.004)] == ["$1.25", "$0.05", "less than a cent"]
