"""How long the state machines wait, counted in looks at what they wait for."""

LONGEST_WAIT = 30  # seconds between two looks


def looks_within(minutes: int, *, first: int, step: int) -> int:
    """Count the looks within `minutes`; the n-th wait takes first + n·step seconds, at most 30."""
    looks = passed = 0
    while passed < minutes * 60:
        passed += min(LONGEST_WAIT, first + step * looks)
        looks += 1
    return looks
