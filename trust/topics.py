"""All promises by topic, in the order in which they are tried."""

from trust.promise import Promise

TOPICS: dict[str, list[Promise]] = {}
