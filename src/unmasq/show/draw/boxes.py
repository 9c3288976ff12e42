"""The boxes of a picture of hops: as wide as the address in them, which is never cut."""

from typing import NamedTuple
from unicodedata import east_asian_width

from unmasq.base.safe import terminal
from unmasq.show.draw.svg import Svg, element, label, named

BOX_HEIGHT = 42
_ROOM = 12  # beside the text
_LETTER, _SMALL_LETTER = 7.9, 6.6  # pixels that a letter of the two lines takes at most, for the sizes that draw.css sets
_PILL_SAYS = "translated by a node"


class Box(NamedTuple):
    """An address above who says so; its kind is how sure it is. A link where `href` leads somewhere."""

    address: str
    said: str
    kind: str
    href: str | None = None

    @property
    def width(self) -> float:
        """Pixels."""
        return max(_LETTER * _cells(self.address), said_width(self.said)) + 2 * _ROOM

    def drawn(self, x: float, y: float) -> Svg:
        """With its upper left corner there; a double border where the line is double."""
        frames = [_frame(x, y, self.width, f"box {self.kind}")]
        if self.kind == "forwarded":
            frames.append(element("rect", class_="inner", x=x + 3, y=y + 3, width=self.width - 6, height=BOX_HEIGHT - 6, rx=4))
        lines = label(self.address, x + _ROOM, y + 18, "address"), label(self.said, x + _ROOM, y + 33, "said")
        return named(f"{self.address}, {self.said}", *frames, *lines, href=self.href, kind="hop")


def said_width(words: str) -> float:
    """Pixels that a small text takes at most."""
    return _SMALL_LETTER * _cells(words)


def pill_width(address: str) -> float:
    """Pixels that a translation to this address takes."""
    return max(_LETTER * _cells(address), said_width(_PILL_SAYS)) + 4 * _ROOM


def pill(address: str, right: float, y: float) -> Svg:
    """A translation: what the proxy logged, on the line of the one who really connected, ending at `right`."""
    width = pill_width(address)
    x = right - width
    frame = element("rect", class_="translation", x=x, y=y + 2, width=width, height=BOX_HEIGHT - 4, rx=(BOX_HEIGHT - 4) / 2)
    lines = label(address, x + 2 * _ROOM, y + 18, "address"), label(_PILL_SAYS, x + 2 * _ROOM, y + 33, "said")
    return named(f"{_PILL_SAYS}: the proxy logged {address}", frame, *lines)


def _frame(x: float, y: float, width: float, kind: str) -> Svg:
    return element("rect", class_=kind, x=x, y=y, width=width, height=BOX_HEIGHT, rx=6)


def _cells(text: str) -> int:
    """How many letters wide a text is: signs of the east take two."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in terminal(text))
