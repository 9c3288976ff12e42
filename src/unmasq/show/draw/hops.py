"""The ways to an address as a picture: a row each, boxes from left to right, a line style for how sure each step is.

A solid line was seen, a double one is what a trusted proxy says, a dashed one is only claimed. The first box of all rows stands
at the left and the destination at the right, with the hops between them as close to it as they are.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log10
from typing import NamedTuple

from unmasq.base.safe import shortened
from unmasq.show import words
from unmasq.show.draw import boxes
from unmasq.show.draw.boxes import BOX_HEIGHT, Box
from unmasq.show.draw.svg import Svg, element, label, named, number, picture
from unmasq.show.ways import Hop, Way, hop_text, said_by

MOST_ROWS, MOST_HOPS = 20, 8
_ROW, _TOP, _EDGE = BOX_HEIGHT + 22, 34, 12
_GAP = 64  # room for a line
_LONGEST = 45  # no address is longer
_WIDEST = 8  # of a line, in pixels
_KEY = {"observed": "seen", "forwarded": "a trusted proxy says so", "logged": "in a log, unchecked", "claimed": "only claimed"}


def hop_picture(rows: Sequence[Way]) -> str:
    """The ways that go together, each with its requests; of more than MOST_ROWS the first ones, and how many are left out."""
    drawn = [_row(way) for way in rows[:MOST_ROWS]]
    if not drawn:
        return picture("no ways", 0, 0, kind="hops", has_links=False)
    columns = _columns(drawn)
    width = columns[-1].x + columns[-1].width + 20 + max(boxes.said_width(_counted(way)) for way in rows)
    inside = [*_key(drawn)]
    for at, row in enumerate(drawn):
        inside += _drawn(row, columns, _TOP + at * _ROW, max(way.requests for way in rows))
    height = _TOP + len(drawn) * _ROW
    if left := len(rows) - len(drawn):
        inside.append(label(f"{words.counted(left, 'more way')} in the list", _EDGE, height + 6))
    name = f"{words.counted(len(drawn), 'way')}, {words.counted(sum(way.requests for way in rows), 'request')}"
    return picture(name, max(width, 480), height + (20 if left else 0), *inside, kind="hops", has_links=True)


class _Row(NamedTuple):
    """A way as boxes, of which the last is the destination, and what a translation between the last two is called."""

    way: Way
    boxes: list[Box]


class _Column(NamedTuple):
    x: float
    width: float


def _row(way: Way) -> _Row:
    hops = [*([way.claimed] if way.claimed else []), *way.hops]
    found = [_box(hop) for hop in hops] or [Box("?", "cannot be known", "claimed")]
    if len(found) > MOST_HOPS:
        left_out = len(found) - MOST_HOPS + 1
        half = MOST_HOPS // 2
        found[half : half + left_out] = [Box("...", words.counted(left_out, "hop"), found[half].kind)]
    return _Row(way, [*found, Box(shortened(way.dest, _LONGEST + 8), "destination", "dest", way.dest_href)])


def _box(hop: Hop) -> Box:
    name = hop.name if hop.name != hop.ip else None
    said = f"{shortened(name, 30)}, {said_by(hop)}" if name else said_by(hop)
    kinds = {"kernel": "observed", "socket": "observed", "logged": "logged", "claimed": "claimed"}
    return Box(shortened(hop.ip, _LONGEST) if hop.ip else "?", shortened(said, 60), kinds.get(hop.by, "forwarded"), hop.href)


def _columns(rows: Sequence[_Row]) -> list[_Column]:
    """Each as wide as the widest box in it; a translation needs its room in front of the last."""
    widths = [0.0] * max(len(row.boxes) for row in rows)
    for row in rows:
        for at, box in _places(row, len(widths)):
            widths[at] = max(widths[at], box.width)
    last_gap = max(_GAP, *(boxes.pill_width(row.way.translated) + _GAP if row.way.translated else 0 for row in rows))
    columns, x = [], float(_EDGE)
    for at, width in enumerate(widths):
        x += last_gap - _GAP if at == len(widths) - 1 else 0
        columns.append(_Column(x, width))
        x += width + _GAP
    return columns


def _places(row: _Row, columns: int) -> list[tuple[int, Box]]:
    """In which column each box stands: the first in the first, the others at the right."""
    return [(at if at == 0 else columns - len(row.boxes) + at, box) for at, box in enumerate(row.boxes)]


def _drawn(row: _Row, columns: Sequence[_Column], y: float, most: int) -> Iterator[Svg]:
    placed = [(columns[at].x, box) for at, box in _places(row, len(columns))]
    wide = _wide(row.way.requests, most)
    lines = [_line(x + box.width, after, y, box.kind, wide) for (x, box), (after, _) in pairwise(placed)]
    if row.way.translated:
        lines.append(boxes.pill(row.way.translated, placed[-1][0] - _GAP / 2, y))
    requests = label(_counted(row.way), placed[-1][0] + placed[-1][1].width + 10, y + BOX_HEIGHT / 2 + 4)
    yield named(f"{hop_text(row.way)}, {_counted(row.way)}", *lines, *(box.drawn(x, y) for x, box in placed), requests, kind="way")


def _counted(way: Way) -> str:
    return words.counted(way.requests, "request")


def _wide(requests: int, most: int) -> float:
    """By digits rather than by the number: one request in a million is still a line, and a tenth of all looks like less."""
    return 1.5 + (_WIDEST - 1.5) * (log10(requests + 1) / log10(most + 1)) ** 2 if requests > 0 else 1


def _line(left: float, right: float, y: float, kind: str, wide: float) -> Svg:
    """With a head, and where it is double, its core in the colour of the page."""
    middle, end = y + BOX_HEIGHT / 2, right - 9
    way = f"M{number(left)} {number(middle)}H{number(end)}"
    half = wide / 2 + 4
    head = f"M{number(right)} {number(middle)}L{number(end - 1)} {number(middle - half)}v{number(2 * half)}z"
    core = [element("path", class_="core", d=way, stroke_width=(wide + 2) / 3)] if kind == "forwarded" else []
    outer = element("path", class_=f"line {kind}", d=way, stroke_width=wide + 2 if core else wide)
    return element("g", outer, *core, element("path", class_=f"head {kind}", d=head))


def _key(rows: Sequence[_Row]) -> Iterator[Svg]:
    """What the line styles mean, of those that are there."""
    present = {box.kind for row in rows for box in row.boxes}
    x = float(_EDGE)
    for kind, meaning in _KEY.items():
        if kind in present:
            yield _line(x, x + 44, -BOX_HEIGHT / 2 + 12, kind, 2)
            yield label(meaning, x + 52, 16)
            x += 76 + boxes.said_width(meaning)
