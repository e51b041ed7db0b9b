"""All promises by topic, in the order in which they are tried."""

from trust import executions, faults, limits, load, supply_chain
from trust.promise import Promise

TOPICS: dict[str, list[Promise]] = {
    "load": load.PROMISES,
    "faults": faults.PROMISES,
    "limits": limits.PROMISES,
    "executions": executions.PROMISES,
    "supply_chain": supply_chain.PROMISES,
}
