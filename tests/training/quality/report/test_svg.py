"""Charts show what they are given, at the place where it belongs."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from sound_vae.quality.report.svg import bars, histogram, lines, matrix, scatter, ticks

EVIL = "<b onload='x'>\"&"


def drawn(chart: str) -> ElementTree.Element:
    return ElementTree.fromstring(chart[: chart.index("</svg>") + 6])  # noqa: S314 - our own


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (-4.27, -1.1, [-4, -3, -2]),
        (0, 0.77, [0, 0.2, 0.4, 0.6]),
        (3, 3, [3]),
        (float("nan"), 1, [float("nan")]),
    ],
)
def test_numbers_on_an_axis_are_round(low: float, high: float, expected: list[float]) -> None:
    np.testing.assert_array_equal(ticks(low, high), expected)


def test_a_curve_falls_when_its_values_do() -> None:
    chart = lines({"loss": [(1, 3.0), (2, 1.0), (3, 0.5)]}, across="epoch", up="nats")
    (points,) = re.findall(r"points='([^']*)'", chart)
    places = [tuple(map(float, point.split(","))) for point in points.split()]
    assert places == sorted(places)  # to the right, and SVG counts downwards
    assert ">epoch</text>" in chart
    assert ">nats</text>" in chart


def test_several_curves_have_a_legend() -> None:
    one, other = [(1, 3.0), (2, 1.0)], [(1, 2.0), (2, 2.5)]
    chart = lines({"learnt": one, "held back": other}, across="epoch", up="nats")
    assert re.findall(r"</i>([^<]+)", chart) == ["learnt", "held back"]
    assert "legend" not in lines({"learnt": one}, across="epoch", up="nats")


def test_one_epoch_is_a_dot() -> None:
    assert "<circle" in lines({"loss": [(1, 3.0)]}, across="epoch", up="nats")


def test_bars_are_as_long_as_their_counts() -> None:
    chart = drawn(bars({"a": 10, "b": 5, "c": 0}, unit="clips"))
    widths = [float(rect.get("width", "")) for rect in chart.iter() if rect.tag.endswith("rect")]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert widths[2] == 0


def test_a_histogram_counts_every_value() -> None:
    chart = histogram(np.array([0.1, 0.1, 0.5, 0.9]), across="s", up="clips")
    counts = [int(count) for count in re.findall(r"<title>(\d+) from", chart)]
    assert sum(counts) == 4
    assert counts[0] == 2
    assert histogram(np.ones(3), across="s", up="clips").count("<title>3 from") == 1


def test_a_point_of_the_map_has_its_place_its_colour_and_its_name() -> None:
    chart = scatter([(-1, -1, 0, "a.wav"), (1, 1, None, "b.wav")], ["low"])
    first, second = re.findall(r"<circle (.*?)><title>(.*?)</title>", chart)
    assert "--s0" in first[0]
    assert "none" in second[0]
    x, y = (float(re.search(rf"{c}='([\d.]+)'", first[0])[1]) for c in ("cx", "cy"))  # type: ignore[index]
    assert x < 280 < y
    assert (first[1], second[1]) == ("a.wav", "b.wav")


def test_each_label_is_written_in_the_midst_of_its_points() -> None:
    points = [(x, y, 0, "") for x in (-0.5, -0.4, -0.3) for y in (0.1, 0.2, 0.3)]
    chart = scatter([*points, (0.5, 0.5, 1, ""), (0.9, 0.9, None, "")], ["low", "high"])
    names = re.findall(r"<text class='island' x='([\d.]+)' y='([\d.]+)'.*?>(\w+)<", chart)
    places = {name: (float(x), float(y)) for x, y, name in names}
    assert set(places) == {"low", "high"}
    assert places["low"][0] < 280 < places["high"][0]
    assert places["low"][1] > places["high"][1]


def test_a_matrix_says_who_was_taken_for_whom() -> None:
    counts = np.array([[9, 1, 0], [0, 10, 0]])
    chart = matrix(["kick", "hat"], counts, across="heard as", up="asked for")
    assert "kick heard as hat: 1 of 10" in chart
    assert "others" not in chart
    counts[0, 2] = 3
    assert "kick heard as others: 3 of 13" in matrix(["kick", "hat"], counts, across="", up="")


def test_no_name_leaves_its_text() -> None:
    for chart in (
        lines({EVIL: [(1, 1.0)], f"{EVIL}2": []}, across=EVIL, up=EVIL),
        bars({EVIL: 1}, unit=EVIL),
        scatter([(0, 0, 0, EVIL)], [EVIL]),
        matrix([EVIL], np.array([[1, 0]]), across=EVIL, up=EVIL),
    ):
        assert "<b" not in chart
        assert drawn(chart) is not None
