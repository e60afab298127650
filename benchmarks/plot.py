"""Plots as SVG: lines over two logarithmic axes, since what matters here is how things grow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 400, 70, 50, 20, 150
COLOURS = ("#1b6ca8", "#c8553d", "#3d8b52", "#7d4f9e", "#9a7b1c", "#4a4a4a")


@dataclass(frozen=True)
class Line:
    """Points, all above 0."""

    name: str
    points: Sequence[tuple[float, float]]


def draw(lines: Sequence[Line], x: str, y: str) -> str:
    """The whole picture."""
    across = _Axis([point[0] for line in lines for point in line.points], LEFT, WIDTH - RIGHT)
    up = _Axis([point[1] for line in lines for point in line.points], HEIGHT - BOTTOM, TOP)
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *_grid(across, up)]
    for number, line in enumerate(lines):
        parts += _drawn(line, COLOURS[number % len(COLOURS)], across, up, number)
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x, "middle"))
    parts.append(f'<g transform="rotate(-90)">{_text(-(HEIGHT - BOTTOM + TOP) / 2, 16, y, "middle")}</g>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    return f'{head} font-size="12">' + "\n".join(parts) + "</svg>\n"


class _Axis:
    """From a value to a place, powers of ten evenly apart."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self._span = max(1, high - self._low)
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        return self._start + (math.log10(value) - self._low) / self._span * (self._end - self._start)

    def ticks(self) -> list[float]:
        return [10.0 ** (self._low + step) for step in range(self._span + 1)]


def _grid(across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for tick in across.ticks():
        parts.append(_stroke([(across.place(tick), HEIGHT - BOTTOM), (across.place(tick), TOP)], "#ddd", 1))
        parts.append(_text(across.place(tick), HEIGHT - BOTTOM + 18, f"{tick:,g}", "middle"))
    for tick in up.ticks():
        parts.append(_stroke([(LEFT, up.place(tick)), (WIDTH - RIGHT, up.place(tick))], "#ddd", 1))
        parts.append(_text(LEFT - 8, up.place(tick) + 4, f"{tick:,g}", "end"))
    return parts


def _drawn(line: Line, colour: str, across: _Axis, up: _Axis, number: int) -> list[str]:
    places = [(across.place(x), up.place(y)) for x, y in line.points]
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    words = _text(WIDTH - RIGHT + 12, TOP + 16 + 18 * number, line.name, "start", colour)
    return [_stroke(places, colour, 2), *dots, words]


def _stroke(places: Sequence[tuple[float, float]], colour: str, width: int) -> str:
    told = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{told}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, words: str, anchor: str, colour: str = "#222") -> str:
    told = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{told}</text>'
