from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reseen.reports.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Line,
    Mark,
    histogram,
    line_chart,
    percent_axis,
    rate_axis,
)

X = Axis("x", 0.0, 10.0, [(0.0, "0"), (10.0, "10")])


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314


def points(svg: str, kind: str) -> list[tuple[float, float]]:
    """The corners of a curve or an area."""
    (found,) = (
        each for each in parse(svg) if kind in each.get("class", "").split() and each.get("class") != f"key {kind}"
    )
    text = found.get("points") or found.get("d", "").strip("MZ").replace("L", " ")
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def test_a_curve_runs_from_the_lower_left_to_the_upper_right() -> None:
    svg = line_chart([Line("a", [(0.0, 0.0), (5.0, 0.5), (10.0, 1.0)])], X, percent_axis("y"), "label")

    assert points(svg, "first") == [
        (LEFT, HEIGHT - BOTTOM),
        ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2),
        (WIDTH - RIGHT, TOP),
    ]


def test_a_logarithmic_axis_has_a_tick_each_power_of_ten() -> None:
    axis = rate_axis("false matches", 1e-4)

    assert [text for _, text in axis.ticks] == ["0.01 %", "0.1 %", "1 %", "10 %", "100 %"]
    assert [axis.place(value) for value, _ in axis.ticks] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert axis.place(1e-9) == 0


@given(st.floats(-1e6, 1e6), st.booleans())
def test_nothing_is_drawn_outside_the_plot(value: float, logarithmic: bool) -> None:
    axis = Axis("x", 0.5, 20.0, [], logarithmic)

    assert 0 <= axis.place(value) <= 1


def test_a_histogram_draws_a_step_for_each_bin() -> None:
    axis = Axis("score", 0.0, 2.0, [])
    svg = histogram([("same", [0.25, 1.0], "first"), ("other", [0.0, 0.0], "second")], axis, "label", [])

    right, middle, floor = WIDTH - RIGHT, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM
    quarter = floor - (floor - TOP) / 4
    outline = [(LEFT, floor), (LEFT, quarter), (middle, quarter), (middle, TOP), (right, TOP), (right, floor)]
    assert points(svg, "first") == outline
    assert {y for _, y in points(svg, "second")} == {floor}


def test_marks_and_names_are_written_and_escaped() -> None:
    svg = line_chart(
        [Line("<a>", [(0.0, 0.0)]), Line("b", [(0.0, 1.0)], "second")],
        X,
        percent_axis("y"),
        'a "label"',
        [Mark(5.0, "x & y")],
    )
    texts = [each.text for each in parse(svg) if each.tag == "text"]

    assert {"<a>", "b", "x & y", "x", "y"} <= set(texts)
    assert parse(svg).get("aria-label") == 'a "label"'
    assert parse(svg).get("role") == "img"


def test_no_line_crosses_the_label_of_another() -> None:
    svg = line_chart([], X, percent_axis("y"), "label", [Mark(4.0, "1 %"), Mark(4.5, "0.1 %"), Mark(4.9, "0.01 %")])
    labels = {each.text: each for each in parse(svg) if each.text in ("1 %", "0.1 %", "0.01 %")}
    lines = [each.get("d", "") for each in parse(svg) if each.get("class") == "mark"]

    assert len(lines) == 3
    for line in lines:
        at, top = (float(part) for part in line.removeprefix("M").partition("V")[0].split())
        for text, label in labels.items():
            right, below = float(label.get("x", "")), float(label.get("y", ""))
            assert not (right - 7 * len(text or "") < at < right and top < below)


def test_names_stand_above_the_plot() -> None:
    lines = [Line("first", [(0.0, 0.0)]), Line("second", [(0.0, 1.0)], "second")]
    svg = line_chart(lines, X, percent_axis("y"), "label")

    names = [each for each in parse(svg) if each.text in ("first", "second")]
    assert [float(each.get("y", "")) < TOP for each in names] == [True, True]
    assert float(names[0].get("x", "")) + 60 < float(names[1].get("x", ""))
