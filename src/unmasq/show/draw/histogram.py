"""Requests over time, by evidence: stacked bars, each a link to its own time, with marks for what was found or done."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

from unmasq.base.moments import moment
from unmasq.show import words
from unmasq.show.draw import axis
from unmasq.show.draw.svg import Svg, element, label, named, number, picture

KINDS = ("direct", "forwarded", "logged", "claimed", "unknown")
"""From the bottom up; each has its place, its pattern and its colour, so that no two differ by colour alone."""
MOST_BARS = 2000

WIDTH, HEIGHT = 960, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 948, 30, 166
_TICKS = 9  # a full date under each needs its room
_LEAST = 1.5  # pixels: what is there is seen, however little it is
_PATTERNS = {"forwarded": "M0 0v6", "logged": "M1.5 1.5h2v2h-2z", "claimed": "M0 3h3", "unknown": "M0 3h6M3 0v6"}


class Bar(NamedTuple):
    """The requests of one bucket of time by kind, and where a click on it leads. The end is not part of it."""

    start_us: int
    end_us: int
    counts: Mapping[str, int]
    href: str | None = None


class Mark(NamedTuple):
    """Something that happened at a moment: `kind` is its class (`finding`, `block`)."""

    us: int
    kind: str
    title: str
    href: str | None = None


def histogram(bars: Sequence[Bar], *, marks: Sequence[Mark] = (), zone: tzinfo | None = UTC, name: str = "histogram") -> str:
    """The picture of at most MOST_BARS buckets in the order of time; `name` must differ where a page has two.

    Raises:
        ValueError: there are more bars than that.
    """
    if len(bars) > MOST_BARS:
        raise ValueError(f"{len(bars)} bars; at most {MOST_BARS} can be drawn")
    if not bars:
        return picture("no requests", WIDTH, 0, kind="histogram", has_links=False)
    plot = _Plot(bars[0].start_us, bars[-1].end_us, axis.top(max(map(_total, bars))))
    kinds = [kind for kind in KINDS if any(bar.counts.get(kind) for bar in bars)]
    inside = [
        element("defs", *(_pattern(kind, name) for kind in kinds if kind in _PATTERNS)),
        *_legend(kinds, name),
        *_counts(plot),
        *_times(plot, zone),
        *_shapes(plot, bars, kinds, name),
        element("g", *(_link(plot, bar, zone) for bar in bars), class_="bars", fill="none", pointer_events="all"),
        *(_mark(plot, mark, zone) for mark in marks if plot.first_us <= mark.us <= plot.last_us),
    ]
    return picture(_summary(bars, kinds, zone), WIDTH, HEIGHT, *inside, kind="histogram", has_links=True)


class _Plot(NamedTuple):
    """What is shown: from when to when, and up to how many requests."""

    first_us: int
    last_us: int
    most: int

    def x(self, us: int) -> float:
        return _LEFT + (us - self.first_us) / max(self.last_us - self.first_us, 1) * (_RIGHT - _LEFT)

    def height(self, count: int) -> float:
        return max(count / self.most * (_BOTTOM - _TOP), _LEAST) if count else 0

    def sides(self, bar: Bar) -> tuple[float, float]:
        """Left end and width, with a gap to the next where there is room for one."""
        left, right = self.x(bar.start_us), self.x(bar.end_us)
        return left, right - left - (1 if right - left > 3 else 0)


def _total(bar: Bar) -> int:
    return sum(bar.counts.get(kind, 0) for kind in KINDS)


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{words.count(counts[kind])} {kind}" for kind in KINDS if counts.get(kind)) or "no requests"


def _summary(bars: Sequence[Bar], kinds: Sequence[str], zone: tzinfo | None) -> str:
    sums = {kind: sum(bar.counts.get(kind, 0) for bar in bars) for kind in kinds}
    return f"Requests over time, {words.span(bars[0].start_us, bars[-1].end_us, zone)}: {_told(sums)}"


def _pattern(kind: str, name: str) -> Svg:
    """The colour of the kind with lines or dots on it."""
    size = {"width": 6, "height": 6}
    ground, lines = element("rect", class_=kind, **size), element("path", class_="hatch", d=_PATTERNS[kind])
    turn = "rotate(45)" if kind == "forwarded" else None
    return element("pattern", ground, lines, id=f"{name}-{kind}", patternUnits="userSpaceOnUse", patternTransform=turn, **size)


def _fill(kind: str, name: str) -> dict[str, str]:
    return {"fill": f"url(#{name}-{kind})"} if kind in _PATTERNS else {"class_": kind}


def _legend(kinds: Sequence[str], name: str) -> Iterator[Svg]:
    for at, kind in enumerate(kinds):
        yield element("path", d=f"M{_LEFT + 96 * at} 5h12v12h-12z", **_fill(kind, name))
        yield label(kind, _LEFT + 96 * at + 17, 15)


def _counts(plot: _Plot) -> Iterator[Svg]:
    """The axis at the left."""
    for count in sorted({0, plot.most // 2, plot.most}):
        y = _BOTTOM - count / plot.most * (_BOTTOM - _TOP)
        yield element("path", class_="grid", d=f"M{_LEFT} {number(y)}H{_RIGHT}")
        yield label(_short(count), _LEFT - 6, y + 4, "label count")


def _short(count: int) -> str:
    """1,500, 15 k, 1.5 M: at most seven characters."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= 10 * size or (unit != "k" and count >= size):
            return f"{count / size:,.1f}".removesuffix(".0") + f" {unit}"
    return words.count(count)


def _times(plot: _Plot, zone: tzinfo | None) -> Iterator[Svg]:
    """The axis below: the date under each tick, and the time where it is not midnight anyway."""
    ticks, are_days = axis.moments(plot.first_us, plot.last_us, zone, _TICKS)
    clock = "%H:%M" if axis.is_to_the_minute(ticks) else "%H:%M:%S"
    for us in ticks:
        x, at = plot.x(us), moment(us).astimezone(zone)
        yield element("path", class_="tick", d=f"M{number(x)} {_BOTTOM}v5")
        lines = [at.strftime("%Y-%m-%d")] if are_days else [at.strftime(clock), at.strftime("%Y-%m-%d")]
        place, kind = (WIDTH, "label count") if x > _RIGHT - 30 else (x, "label time")  # the last one must not run out of the picture
        yield from (label(line, place, _BOTTOM + 18 + 15 * row, kind) for row, line in enumerate(lines))
    yield label(words.zone(plot.first_us, zone), _RIGHT, _BOTTOM - (_BOTTOM - _TOP) - 15, "label count")


def _shapes(plot: _Plot, bars: Sequence[Bar], kinds: Sequence[str], name: str) -> Iterator[Svg]:
    """One shape a kind for all bars together: the links above them are what is pointed at."""
    heights = [0.0] * len(bars)
    for kind in kinds:
        drawn = []
        for at, bar in enumerate(bars):
            if high := plot.height(bar.counts.get(kind, 0)):
                left, wide = plot.sides(bar)
                drawn.append(f"M{number(left)} {number(_BOTTOM - heights[at])}h{number(wide)}v{number(-high)}h{number(-wide)}")
                heights[at] += high
        yield element("path", d="".join(drawn), **_fill(kind, name))


def _link(plot: _Plot, bar: Bar, zone: tzinfo | None) -> Svg:
    left, wide = plot.sides(bar)
    area = element("path", d=f"M{number(left)} {_TOP}h{number(wide)}V{_BOTTOM}h{number(-wide)}")
    return named(f"{words.span(bar.start_us, bar.end_us, zone)}: {_told(bar.counts)}", area, href=bar.href)


def _mark(plot: _Plot, mark: Mark, zone: tzinfo | None) -> Svg:
    x = number(plot.x(mark.us))
    line, flag = element("path", d=f"M{x} {_TOP - 8}V{_BOTTOM}"), element("path", class_="flag", d=f"M{x} {_TOP - 8}l9 4l-9 4z")
    return named(f"{words.time(mark.us, zone)}: {mark.title}", line, flag, href=mark.href, kind=f"mark {mark.kind}")
