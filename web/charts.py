"""Charts as SVG that the server draws: they follow the theme, print, and need no script.

A chart is 100 wide and 100 high and stretched to its place; its words stand beside it in HTML, so they keep their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from routing.rules.figures.figure import Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point of a line, in hundredths of the chart from the left and from the top."""

    x: float
    y: float
    step: int
    ratio: Ratio


def dots(series: Sequence[Ratio | None]) -> list[Dot]:
    """One of each step of which there is a value.

    >>> [(dot.x, dot.y) for dot in dots([Ratio(numerator=1, denominator=4), None, Ratio(numerator=1, denominator=1)])]
    [(2.0, 73.0), (98.0, 4.0)]
    """
    across = max(1, len(series) - 1)
    return [
        # Two and four hundredths of air, so that a dot at the edge is whole.
        Dot(x=round(2 + 96 * n / across, 2), y=round(96 - 92 * ratio.value, 2), step=n, ratio=ratio)
        for n, ratio in enumerate(series)
        if ratio is not None and ratio.value is not None
    ]


def lines(points: Sequence[Dot]) -> list[str]:
    """`points` of polylines, broken where a step has no value: a line over a gap would tell what nobody counted.

    >>> half = Ratio(numerator=1, denominator=2)
    >>> lines(dots([half, half, None, half]))
    ['2.0,50.0 34.0,50.0']
    """
    found: list[list[Dot]] = []
    for dot in points:
        if found and found[-1][-1].step == dot.step - 1:
            found[-1].append(dot)
        else:
            found.append([dot])
    return [" ".join(f"{dot.x},{dot.y}" for dot in run) for run in found if len(run) > 1]


def widths(values: Sequence[int]) -> list[float]:
    """Bars in hundredths of the longest.

    >>> widths([5, 10, 0])
    [50.0, 100.0, 0.0]
    """
    most = max(values, default=0)
    return [round(100 * value / most, 1) if most else 0.0 for value in values]
