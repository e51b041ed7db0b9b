"""What an hour of training costs, from AWS's own price list.

    prices = Prices.of(connection)
    prices.an_hour("ml.g5.xlarge")    # dollars, or None
    prices.of_run(run.output)         # of the job's billable seconds

A job on spare capacity is billed at the same price for fewer seconds, so both kinds come out right
(DescribeTrainingJob, BillableTimeInSeconds); each machine of several is billed for them.
On the stand-in nothing costs anything, and nobody is asked.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from client.stack import Connection

LISTED_IN = "us-east-1"  # one of the few regions that answer; the list is of all of them
TRAINING = "Train:"  # in the usage type of a training job's hours
TRANSFORM = "Tsform:"  # ... of a transform job's, as in USE1-Tsform:ml.c5.xlarge
HOUR = 3600.0  # seconds


class Prices:
    """The price list of one region; each instance type is looked up once."""

    def __init__(self, api: Any, region: str) -> None:
        self._api, self._region = api, region
        self._found: dict[tuple[str, str], float | None] = {}  # by instance type and usage
        self.refused = ""  # why AWS does not tell, for example that the caller may not ask

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Prices where the stack is."""
        if "AWS_ENDPOINT_URL" in os.environ:
            return cls(None, "")
        session = connection.session
        return cls(session.client("pricing", region_name=LISTED_IN), session.region_name or "")

    def an_hour(self, instance_type: str, usage: str = TRAINING) -> float | None:
        """Dollars for an hour on demand; None where that cannot be learnt."""
        if self._api is None or not instance_type:
            return None
        wanted = (instance_type, usage)
        if wanted not in self._found and not self.refused:
            try:
                self._found[wanted] = self._look_up(instance_type, usage)
            except (ClientError, BotoCoreError) as error:
                self.refused = str(error)
        return self._found.get(wanted)

    def of_transform(self, instance_type: str, seconds: float) -> float | None:
        """Dollars for so many seconds of instances that transform."""
        price = self.an_hour(instance_type, TRANSFORM)
        return None if price is None else price * seconds / HOUR

    def of_run(self, output: Mapping[str, Any]) -> float | None:
        """Dollars for the training job of an execution, from the execution's output."""
        price = self.an_hour(str(output.get("instance_type", "")))
        seconds = output.get("billable_seconds")
        machines = output.get("instance_count", 1)
        return None if price is None or seconds is None else machines * price * seconds / HOUR

    def _look_up(self, instance_type: str, usage: str) -> float | None:
        wanted = {"instanceName": instance_type, "regionCode": self._region}
        filters = [{"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in wanted.items()]
        pages = self._api.get_paginator("get_products").paginate(
            ServiceCode="AmazonSageMaker", Filters=filters
        )
        for product in (json.loads(text) for page in pages for text in page["PriceList"]):
            if usage in product["product"]["attributes"].get("usagetype", ""):
                for term in product["terms"].get("OnDemand", {}).values():
                    for dimension in term["priceDimensions"].values():
                        return float(dimension["pricePerUnit"]["USD"])
        return None


def dollars(amount: float) -> str:
    """Write an amount as people do: `$1.25`, or `less than a cent`."""
    return f"${amount:.2f}" if amount >= 0.01 else "less than a cent"
