"""A series as small as a word."""

from collections.abc import Sequence

from unmasq.show import words
from unmasq.show.draw.svg import element, number, picture

WIDTH, HEIGHT = 120, 24
_EDGE = 2


def sparkline(counts: Sequence[int], name: str = "") -> str:
    """A line through the counts, from left to right, above nothing; `name` says what they are."""
    said = f"{name}: {_told(counts)}" if name else _told(counts)
    if not counts:
        return picture(said, WIDTH, HEIGHT, kind="sparkline", has_links=False)
    step = (WIDTH - 2 * _EDGE) / max(len(counts) - 1, 1)
    most = max(1, *counts)
    places = [(_EDGE + at * step, HEIGHT - _EDGE - count / most * (HEIGHT - 2 * _EDGE)) for at, count in enumerate(counts)]
    line = "L".join(f"{number(x)} {number(y)}" for x, y in places)
    area = element("path", class_="area", d=f"M{_EDGE} {HEIGHT - _EDGE}L{line}V{HEIGHT - _EDGE}z")
    (x, y) = places[-1]
    return picture(
        said, WIDTH, HEIGHT, area, element("path", class_="line", d=f"M{line}"), element("circle", class_="last", cx=x, cy=y, r=2),
        kind="sparkline", has_links=False,
    )  # fmt: skip


def _told(counts: Sequence[int]) -> str:
    if not counts:
        return "nothing"
    values, least, most, last = words.counted(len(counts), "value"), *map(words.count, (min(counts), max(counts), counts[-1]))
    return f"{values} from {least} to {most}, the last {last}"
