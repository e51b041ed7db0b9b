"""Numbers, durations and sentences as the page writes them."""

import base64


def base64_of(content: bytes) -> str:
    """Write bytes for a data URL."""
    return base64.b64encode(content).decode()


def number(value: float) -> str:
    """Write three digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def as_sentence(words: str) -> str:
    """Begin with a capital and end with a full stop; nothing stays nothing."""
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def duration(seconds: float) -> str:
    """Write a time in the units that one would say."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
