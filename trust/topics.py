"""All promises by topic, in the order in which they are tried."""

from trust import archives, checkpoints, kills, requests, settings, sound_files
from trust.promise import Promise

TOPICS: dict[str, list[Promise]] = {
    "requests": requests.PROMISES,
    "sound_files": sound_files.PROMISES,
    "checkpoints": checkpoints.PROMISES,
    "kills": kills.PROMISES,
    "archives": archives.PROMISES,
    "settings": settings.PROMISES,
}
