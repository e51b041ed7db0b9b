"""All promises by topic, in the order in which they are tried."""

from trust import (
    archives,
    checkpoints,
    executions,
    faults,
    kills,
    limits,
    load,
    requests,
    settings,
    sound_files,
    supply_chain,
)
from trust.promise import Promise

TOPICS: dict[str, list[Promise]] = {
    "requests": requests.PROMISES,
    "sound_files": sound_files.PROMISES,
    "checkpoints": checkpoints.PROMISES,
    "kills": kills.PROMISES,
    "archives": archives.PROMISES,
    "settings": settings.PROMISES,
    "load": load.PROMISES,
    "faults": faults.PROMISES,
    "limits": limits.PROMISES,
    "executions": executions.PROMISES,
    "supply_chain": supply_chain.PROMISES,
}
