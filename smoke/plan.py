"""What will be made and what it costs, shown before anything is made."""

from rich.console import Console
from rich.table import Table

from smoke.account import Account

MINUTES = "one to two hours"
# at most, in dollars: rounded up from the orders of magnitude in us-east-1, as of 2026 (a training
# instance such as ml.m5.xlarge: $0.23 an hour); AWS's pages of prices are what counts
PARTS = (
    ("one training job, stopped after 30 minutes, some $0.25 an hour", 0.15),
    ("a serverless endpoint of 3 to 5 GB: some 40 requests of a few seconds each", 0.05),
    ("state transitions, requests, log lines, functions of the deployment", 0.10),
    ("two alarms and a dashboard for some hours (a month: about $3)", 0.02),
    ("the bucket: some 100 MB for an hour", 0.01),
)


def show(console: Console, account: Account, name: str, instance_types: list[str]) -> None:
    """Print where, what, how long and how much."""
    where = account.stand_in or f"AWS, account {account.number}, region {account.region}"
    console.print(f"Where: {where}", markup=False, soft_wrap=True)
    console.print(
        f"What: a stack SoundVae-{name} with all that belongs to it, {MINUTES} on AWS; a model is "
        f"trained on {' or '.join(instance_types)}, if there is spare capacity on that. In the end "
        "it is removed, with its bucket. What `cdk bootstrap` makes stays, if it was missing.",
        soft_wrap=True,
    )
    table = Table("it costs", "at most", box=None, pad_edge=False)
    for part, dollars in PARTS:
        table.add_row(part, f"${dollars:.2f}")
    table.add_row("together", f"${total():.2f}; reckon with a dollar")
    console.print(table)


def total() -> float:
    """Dollars."""
    return sum(dollars for _, dollars in PARTS)
