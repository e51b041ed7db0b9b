"""Charts as SVG: plain text with classes that the page's style sheet colours, light or dark.

Every text that comes from outside goes through `text`, which escapes it. Sizes are in pixels of the
viewBox; the page shrinks a chart to its own width.
"""

import base64
import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

SERIES = 12  # colours that the style sheet has, --s0 and so on
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 12, 44  # room for numbers and units
LONGEST = 32  # characters of a label that are shown ...
BRIEF = 14  # ... and beside a matrix


def text(content: object) -> str:
    """Escape a text for HTML and SVG, attributes included."""
    return html.escape(str(content).replace("\x00", ""), quote=True)


def short(content: str) -> str:
    """Escape a text and cut it where it is too long for a picture."""
    return text(content if len(content) <= LONGEST else f"{content[: LONGEST - 1]}…")


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Choose round numbers from low to high."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    across: str,
    up: str,
    size: tuple[int, int] = (420, 240),
) -> str:
    """Draw curves of (x, y) points with axes and units; more than one get a legend."""
    points = [point for curve in series.values() for point in curve]
    frame = Frame(size, [x for x, _ in points], [y for _, y in points], across, up)
    drawn = []
    for number, curve in enumerate(series.values()):
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in curve)
        colour = f"style='--c:var(--s{number % SERIES})'"
        if len(curve) == 1:
            x, y = curve[0]
            drawn.append(
                f"<circle class='dot' {colour} cx='{frame.x(x):.1f}' cy='{frame.y(y):.1f}' r='4'/>"
            )
        drawn.append(f"<polyline class='line' {colour} points='{path}'/>")
    return frame.around("".join(drawn)) + (legend(list(series)) if len(series) > 1 else "")


def histogram(values: np.ndarray, *, across: str, up: str, bars: int = 24) -> str:
    """Draw how often values occur."""
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-9:
        low, high = low - 0.5 * max(abs(low), 1e-3), high + 0.5 * max(abs(high), 1e-3)
    counts, edges = np.histogram(values, bars, (low, high))
    frame = Frame((420, 220), [low, high], [0, float(counts.max())], across, up)
    drawn = []
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        x, y = frame.x(left), frame.y(count)
        width, height = frame.x(right) - x - 1, frame.y(0) - y
        drawn.append(
            f"<rect class='bar' x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' "
            f"height='{max(height, 0):.1f}'><title>{count} from {left:.3g} to {right:.3g}</title>"
            "</rect>"
        )
    return frame.around("".join(drawn))


def bars(counts: Mapping[str, int], *, unit: str) -> str:
    """Draw a bar for each name, with its number."""
    row, width = 22, 420
    left = 24 + 6 * min(max(map(len, counts), default=0), LONGEST)
    most = max(counts.values(), default=1) or 1
    drawn = []
    for number, (name, count) in enumerate(counts.items()):
        y = number * row
        length = (width - left - 60) * count / most
        drawn.append(
            f"<text class='name' x='{left - 8}' y='{y + 15}' text-anchor='end'>{short(name)}</text>"
            f"<rect class='bar' x='{left}' y='{y + 3}' width='{length:.1f}' height='{row - 6}'>"
            f"<title>{text(name)}: {count} {text(unit)}</title></rect>"
            f"<text class='number' x='{left + length + 6:.1f}' y='{y + 15}'>{count}</text>"
        )
    return _svg(width, max(len(counts), 1) * row, "".join(drawn), unit)


def scatter(points: Sequence[tuple[float, float, int | None, str]], labels: Sequence[str]) -> str:
    """Draw a map of (x, y, label's index or None, name); x and y lie in -1..1.

    Each label is written in the midst of its points, as there may be more labels than colours.
    """
    size, edge = 560, 12
    half = size / 2 - edge
    drawn = []
    islands: dict[int, list[tuple[float, float]]] = {}
    for x, y, label, name in points:
        place = size / 2 + x * half, size / 2 - y * half
        style = "class='none'"
        if label is not None:
            style = f"style='--c:var(--s{label % SERIES})'"
            islands.setdefault(label, []).append(place)
        drawn.append(
            f"<circle {style} cx='{place[0]:.1f}' cy='{place[1]:.1f}' r='3'>"
            f"<title>{text(name)}</title></circle>"
        )
    names = []
    for label, places in islands.items():
        x, y = np.median(places, axis=0)
        names.append(
            f"<text class='island' x='{np.clip(x, 40, size - 40):.1f}' y='{y + 4:.1f}' "
            f"text-anchor='middle'>{_brief(labels[label])}</text>"
        )
    frame = f"<rect class='frame' x='.5' y='.5' width='{size - 1}' height='{size - 1}'/>"
    drawing = f"<g class='dots'>{''.join(drawn)}</g>{''.join(names)}"
    return _svg(size, size, frame + drawing, "map of the training sounds")


def matrix(labels: Sequence[str], counts: np.ndarray, *, across: str, up: str) -> str:
    """Draw counts (labels, labels + 1), rows by `labels`; the last column is for all others."""
    others = counts[:, -1].any()
    columns = [*labels, "others"] if others else list(labels)
    cell = 34 if len(labels) <= 12 else 18
    longest = min(max(map(len, columns), default=0), BRIEF)
    left, top = 44 + 7 * longest, 24 + 6 * longest
    width, height = left + cell * len(columns) + 10, top + cell * len(labels) + 26
    drawn = [
        f"<text class='axis' x='{left + cell * len(columns) / 2}' y='{height - 6}' "
        f"text-anchor='middle'>{text(across)}</text>"
        f"<text class='axis' x='12' y='{top + cell * len(labels) / 2}' text-anchor='middle' "
        f"transform='rotate(-90 12 {top + cell * len(labels) / 2})'>{text(up)}</text>"
    ]
    for number, name in enumerate(columns):
        x = left + cell * (number + 0.5)
        drawn.append(
            f"<text class='name' x='{x:.1f}' y='{top - 8}' "
            f"transform='rotate(-50 {x:.1f} {top - 8})'>{_brief(name)}</text>"
        )
    for i, name in enumerate(labels):
        y = top + cell * i
        drawn.append(
            f"<text class='name' x='{left - 8}' y='{y + cell / 2 + 4:.1f}' text-anchor='end'>"
            f"{_brief(name)}</text>"
        )
        total = max(counts[i].sum(), 1)
        for j, column in enumerate(columns):
            count, share = counts[i, j], counts[i, j] / total
            kind = "right" if i == j else "wrong"
            said = f"{name} heard as {column}: {count} of {total}"
            drawn.append(
                f"<rect class='cell {kind}' style='fill-opacity:{share:.2f}' "
                f"x='{left + cell * j}' y='{y}' width='{cell - 1}' height='{cell - 1}'>"
                f"<title>{text(said)}</title></rect>"
            )
            if count and cell > 20:
                drawn.append(
                    f"<text class='{'strong' if share > 0.55 else 'number'}' "
                    f"x='{left + cell * (j + 0.5):.1f}' y='{y + cell / 2 + 4:.1f}' "
                    f"text-anchor='middle'>{count}</text>"
                )
    return _svg(width, height, "".join(drawn), f"{up} by {across}")


def spectrogram(png: bytes, seconds: float, hertz: float) -> str:
    """Frame a picture of a spectrogram with axes in s and kHz."""
    frame = Frame((360, 230), [0, seconds], [0, hertz / 1000], "s", "kHz", room=(44, 42))
    data = base64.b64encode(png).decode()
    left, top, width, height = frame.box
    picture = (
        f"<image href='data:image/png;base64,{data}' x='{left}' y='{top}' width='{width}' "
        f"height='{height}' preserveAspectRatio='none'/>"
    )
    return frame.around(picture)


def legend(names: Sequence[str]) -> str:
    """Name the colours of a chart, as HTML."""
    if not names:
        return ""
    entries = "".join(
        f"<li><i style='--c:var(--s{number % SERIES})'></i>{short(name)}"
        for number, name in enumerate(names)
    )
    return f"<ul class='legend'>{entries}</ul>"


class Frame:
    """A box with two axes; x and y turn values into places."""

    def __init__(
        self,
        size: tuple[int, int],
        x: Sequence[float],
        y: Sequence[float],
        across: str,
        up: str,
        room: tuple[int, int] = (LEFT, BOTTOM),
    ) -> None:
        self.size, self.across, self.up = size, across, up
        left, bottom = room
        self.box = (left, TOP, size[0] - left - RIGHT, size[1] - TOP - bottom)
        self.x_range, self.y_range = _spread(x), _spread(y)

    def x(self, value: float) -> float:
        """Give the place of a value on the way across."""
        low, high = self.x_range
        return self.box[0] + self.box[2] * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Give the place of a value on the way up."""
        low, high = self.y_range
        return self.box[1] + self.box[3] * (high - value) / (high - low)

    def around(self, content: str) -> str:
        """Draw the axes around content."""
        left, top, width, height = self.box
        bottom, right = top + height, left + width
        drawn = []
        for value in ticks(*self.x_range):
            place = self.x(value)
            drawn.append(
                f"<path class='grid' d='M{place:.1f} {top}V{bottom + 4}'/>"
                f"<text class='number' x='{place:.1f}' y='{bottom + 17}' text-anchor='middle'>"
                f"{value:g}</text>"
            )
        for value in ticks(*self.y_range):
            place = self.y(value)
            drawn.append(
                f"<path class='grid' d='M{left - 4} {place:.1f}H{right}'/>"
                f"<text class='number' x='{left - 7}' y='{place + 4:.1f}' text-anchor='end'>"
                f"{value:g}</text>"
            )
        middle = top + height / 2
        axes = (
            f"<text class='axis' x='{left + width / 2:.0f}' y='{self.size[1] - 6}' "
            f"text-anchor='middle'>{text(self.across)}</text>"
            f"<text class='axis' x='12' y='{middle:.0f}' text-anchor='middle' "
            f"transform='rotate(-90 12 {middle:.0f})'>{text(self.up)}</text>"
        )
        title = f"{self.up} over {self.across}"
        return _svg(*self.size, "".join(drawn) + content + axes, title)


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Give the range of values, with some room where they are all the same or there are none."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


def _brief(name: str) -> str:
    return text(name if len(name) <= BRIEF else f"{name[: BRIEF - 1]}…")


def _svg(width: float, height: float, content: str, title: str) -> str:
    return (
        f"<svg viewBox='0 0 {width:.0f} {height:.0f}' style='max-width:{width:.0f}px' role='img' "
        f"aria-label='{text(title)}'>{content}</svg>"
    )
