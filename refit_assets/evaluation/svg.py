"""Charts as inline SVG: axes, lines, points, bars and bands in the page's own colours.

Hand-made: text stays text, colours are classes of the page's style sheet (light, dark, print), and
the same figures give the same bytes. Knows nothing of models.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 14, 46
_TICKS = 5


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A scale: what it shows, from where to where, and how its ticks read."""

    title: str
    low: float
    high: float
    percent: bool = False

    def ticks(self) -> list[float]:
        """Round numbers within the range."""
        step = _round_step((self.high - self.low) / _TICKS)
        # A tick on the very end of the scale counts in spite of rounding.
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [at * step for at in range(first, last + 1)]

    def text(self, value: float) -> str:
        """How a tick reads."""
        shown = value * 100 if self.percent else value
        step = _round_step((self.high - self.low) / _TICKS) * (100 if self.percent else 1)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{shown:,.{decimals}f}{'%' if self.percent else ''}"


@dataclass
class Chart:
    """A drawing in the making; `render` ends it."""

    title: str
    """What a reader who can't see it is told first."""
    x: Axis
    y: Axis
    shapes: list[str] = field(default_factory=list)

    def line(self, xs: Sequence[float], ys: Sequence[float], css: str) -> None:
        """Draw a line through points."""
        points = " ".join(f"{self._x(x)},{self._y(y)}" for x, y in zip(xs, ys, strict=True))
        self.shapes.append(f'<polyline class="line {css}" points="{points}"/>')

    def area(self, xs: Sequence[float], ys: Sequence[float], css: str) -> None:
        """Fill what lies between a line and the foot of the chart."""
        foot = self._y(self.y.low)
        points = " ".join(f"{self._x(x)},{self._y(y)}" for x, y in zip(xs, ys, strict=True))
        ends = (f"{self._x(xs[0])},{foot}", f"{self._x(xs[-1])},{foot}")
        self.shapes.append(f'<polygon class="{css}" points="{ends[0]} {points} {ends[1]}"/>')

    def dot(self, x: float, y: float, css: str, title: str) -> None:
        """Draw a point that says what it is."""
        self.shapes.append(
            f'<circle class="dot {css}" cx="{self._x(x)}" cy="{self._y(y)}" r="4.5">'
            f"<title>{escape(title)}</title></circle>"
        )

    def bar(self, low: float, high: float, top: float, css: str, foot: float = 0.0) -> None:
        """Draw an upright bar between two places of the x axis."""
        left, right = float(self._x(low)), float(self._x(high))
        y, bottom = float(self._y(top)), float(self._y(foot))
        self.shapes.append(
            f'<rect class="{css}" x="{left + 0.5:.1f}" y="{y:.1f}" '
            f'width="{max(right - left - 1, 0.5):.1f}" height="{max(bottom - y, 0):.1f}"/>'
        )

    def whisker(self, x: float, low: float, high: float, css: str) -> None:
        """Draw an upright interval."""
        at, top, foot = self._x(x), self._y(high), self._y(low)
        self.shapes.append(
            f'<line class="whisker {css}" x1="{at}" x2="{at}" y1="{top}" y2="{foot}"/>'
        )

    def upright(self, x: float, css: str, label: str) -> None:
        """Draw a line over the whole height, with a word at its head."""
        at = float(self._x(x))
        # Near the right edge the word stands on the left, or it would leave the picture.
        left = at > WIDTH * 0.6
        anchor, place = ("end", at - 5) if left else ("start", at + 5)
        self.shapes.append(
            f'<line class="mark {css}" x1="{at}" x2="{at}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>'
            f'<text class="note" x="{place:.1f}" y="{_TOP + 11}" text-anchor="{anchor}">'
            f"{escape(label)}</text>"
        )

    def render(self) -> str:
        """Return the SVG element; pictures are announced by their title."""
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            f"<title>{escape(self.title)}</title>{self._axes()}{''.join(self.shapes)}</svg>"
        )

    def _axes(self) -> str:
        foot = HEIGHT - _BOTTOM
        parts: list[str] = []
        for tick in self.y.ticks():
            at = self._y(tick)
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>'
            )
            parts.append(
                f'<text x="{_LEFT - 7}" y="{float(at) + 4:.1f}" text-anchor="end">'
                f"{self.y.text(tick)}</text>"
            )
        parts += [
            f'<text x="{self._x(tick)}" y="{foot + 17}" text-anchor="middle">'
            f"{self.x.text(tick)}</text>"
            for tick in self.x.ticks()
        ]
        middle = (_LEFT + WIDTH - _RIGHT) / 2
        parts.append(
            f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{foot}" y2="{foot}"/>'
            f'<text class="title" x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{escape(self.x.title)}</text>"
            f'<text class="title" transform="translate(14 {(_TOP + foot) / 2}) rotate(-90)" '
            f'text-anchor="middle">{escape(self.y.title)}</text>'
        )
        return "".join(parts)

    def _x(self, value: float) -> str:
        share = _share(value, self.x)
        return f"{_LEFT + share * (WIDTH - _LEFT - _RIGHT):.1f}"

    def _y(self, value: float) -> str:
        share = _share(value, self.y)
        return f"{HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM):.1f}"


def render_interval(
    low: float, value: float, high: float, *, scale: tuple[float, float], css: str = ""
) -> str:
    """Draw a dot on its interval, as wide as a table's cell; its figures stand beside it."""
    first, last = scale
    span = (last - first) or 1.0
    places = [100 * min(max((at - first) / span, 0), 1) for at in (low, value, high)]
    left, dot, right = (f"{4 + place * 0.92:.2f}" for place in places)
    return (
        '<svg class="interval" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
        f'<line class="track" x1="4" x2="96" y1="6" y2="6"/>'
        f'<line class="reach {css}" x1="{left}" x2="{right}" y1="6" y2="6"/>'
        f'<line class="at {css}" x1="{dot}" x2="{dot}" y1="1.5" y2="10.5"/></svg>'
    )


def fit_axis(title: str, values: Sequence[float], *, percent: bool = False) -> Axis:
    """Scale that holds all values, with a little room."""
    low, high = min(values), max(values)
    room = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    return Axis(title=title, low=low - room, high=high + room, percent=percent)


def from_zero(title: str, highest: float, *, percent: bool = False) -> Axis:
    """Scale from zero to a little above the highest value."""
    return Axis(title=title, low=0.0, high=highest * 1.06 or 1.0, percent=percent)


def _share(value: float, axis: Axis) -> float:
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def _round_step(rough: float) -> float:
    size = 10 ** math.floor(math.log10(rough))
    return next(step * size for step in (1, 2, 2.5, 5, 10) if step * size >= rough * 0.999)
