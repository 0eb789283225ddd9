"""Charts as SVG inside the page: colours and fonts are the page's, by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 400, 260
"""Of the view box: about as wide as a phone, so that the words can be read there."""
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 28, 46
"""Room around the plot, for ticks and titles, and for the names of the curves above it."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis of a chart.

    Attributes:
        title: what it shows.
        low: where it starts.
        high: where it ends; above `low`.
        ticks: values that are marked, and how.
        logarithmic: whether equal distances are equal ratios; then `low` is above 0.
    """

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value lies, 0 at `low` to 1 at `high`; values outside are drawn at the end."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return (value - low) / (high - low)


def percent_axis(title: str) -> Axis:
    """0 to 100 %."""
    return Axis(title, 0.0, 1.0, [(step / 5, f"{step * 20} %") for step in range(6)])


def rate_axis(title: str, lowest: float) -> Axis:
    """Rates from a power of ten, `lowest`, to 1, logarithmic."""
    exponents = range(round(math.log10(lowest)), 1)
    ticks = [(10.0**exponent, f"{10.0 ** (exponent + 2):g} %") for exponent in exponents]
    return Axis(title, lowest, 1.0, ticks, logarithmic=True)


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: for the legend.
        points: x and y of each.
        kind: its class in the page's style: `first` or `second`.
    """

    name: str
    points: Sequence[Point]
    kind: str = "first"


@dataclass(frozen=True)
class Mark:
    """A labelled vertical line at a value of the x axis."""

    at: float
    label: str


def line_chart(lines: Sequence[Line], x: Axis, y: Axis, label: str, marks: Sequence[Mark] = ()) -> str:
    """Curves over two axes; `label` is what a screen reader says."""
    curves = [
        f'<polyline class="{line.kind}" points="{" ".join(_position(point, x, y) for point in line.points)}"/>'
        for line in lines
    ]
    return _svg([*_grid(x, y), *_marks(marks, x), *curves, *_legend([(line.name, line.kind) for line in lines])], label)


def histogram(counts: Sequence[tuple[str, Sequence[float], str]], x: Axis, label: str, marks: Sequence[Mark]) -> str:
    """Shares of values in equal bins over the x axis, each of several groups drawn as an area.

    Args:
        counts: name, share in each bin and class of each group.
        x: the axis that the bins divide equally.
        label: what a screen reader says.
        marks: labelled places of the axis.
    """
    highest = max(max(shares) for _, shares, _ in counts) or 1.0
    y = Axis(
        "share of the pairs", 0.0, highest, [(highest * step / 4, f"{highest * step * 25:.1f} %") for step in range(5)]
    )
    areas = [f'<path class="area {kind}" d="{_steps(shares, x, y)}"/>' for _, shares, kind in counts]
    legend = _legend([(name, kind) for name, _, kind in counts])
    return _svg([*_grid(x, y), *areas, *_marks(marks, x), *legend], label)


def _steps(shares: Sequence[float], x: Axis, y: Axis) -> str:
    """The outline of a histogram's bars."""
    width = (x.high - x.low) / len(shares)
    corners = [(x.low, 0.0)]
    for place, share in enumerate(shares):
        corners += [(x.low + place * width, share), (x.low + (place + 1) * width, share)]
    corners.append((x.high, 0.0))
    return "M" + "L".join(_position(corner, x, y) for corner in corners) + "Z"


def _grid(x: Axis, y: Axis) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for value, text in y.ticks:
        at = _down(y.place(value))
        parts.append(f'<path d="M{LEFT} {at:.1f}H{right}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    for value, text in x.ticks:
        at = _across(x.place(value))
        parts.append(f'<path d="M{at:.1f} {bottom}v5"/>')
        parts.append(f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(text)}</text>')
    parts.append(
        f'<text class="title" x="{(LEFT + right) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x.title)}</text>'
    )
    middle = (TOP + bottom) / 2
    turned = f'transform="rotate(-90 11 {middle})" x="11" y="{middle}" text-anchor="middle"'
    parts.append(f'<text class="title" {turned}>{escape(y.title)}</text>')
    return parts


def _marks(marks: Sequence[Mark], x: Axis) -> list[str]:
    """Lines to the bottom, each from its label on; the one to the right has the highest, so that none is crossed."""
    parts = []
    for number, mark in enumerate(sorted(marks, key=lambda mark: -mark.at)):
        at, top = _across(x.place(mark.at)), TOP + 14 * number
        parts.append(f'<path class="mark" d="M{at:.1f} {top}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at - 4:.1f}" y="{top + 10}" text-anchor="end">{escape(mark.label)}</text>')
    return parts


def _legend(entries: Sequence[tuple[str, str]]) -> list[str]:
    """Names of the curves, above the plot, where there are several."""
    if len(entries) < 2:
        return []
    parts = []
    for number, (name, kind) in enumerate(entries):
        left = LEFT + number * (WIDTH - LEFT - RIGHT) / len(entries)
        parts.append(f'<path class="key {kind}" d="M{left:.1f} 12h18"/>')
        parts.append(f'<text x="{left + 24:.1f}" y="16">{escape(name)}</text>')
    return parts


def _position(point: Point, x: Axis, y: Axis) -> str:
    return f"{_across(x.place(point[0])):.1f},{_down(y.place(point[1])):.1f}"


def _across(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _down(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _svg(parts: Sequence[str], label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
