"""Texts on a page: everything is made visible and escaped in one place, and times, counts and evidence read the same everywhere."""

from datetime import UTC

from markupsafe import Markup, escape

from unmasq.base import moments
from unmasq.base.safe import shortened, terminal
from unmasq.show import words

LONGEST = 300
"""Characters of one text in a table; the JSON has all of it."""


def shown(value: object) -> object:
    """What a template prints: texts without control characters, or characters that turn the direction of reading."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return terminal(value)
    return "" if value is None else value


def time(us: int | None) -> Markup:
    """A moment, in UTC; the page's script can show it in the reader's own zone."""
    if us is None:
        return Markup("never")
    stamp, text = moments.text(us), words.time(us, UTC)
    return Markup('<time datetime="{}">{}</time>').format(stamp, text)


def rfc(text: str | None, now_us: int) -> Markup:
    """As `time`, of a moment that an answer has as text."""
    return time(None if text is None else moments.parse(text, now_us))


def brief(text: str) -> Markup:
    """A text in a cell: shortened if it is very long, with all of it as its title."""
    inert = terminal(text)
    if len(inert) <= LONGEST:
        return escape(inert)
    return Markup('<span title="{}">{}</span>').format(shortened(inert, 4 * LONGEST), shortened(inert, LONGEST))


def kind(word: str) -> Markup:
    """A kind of evidence, in its colour: direct, forwarded, logged, only claimed."""
    return Markup('<b class="{}">{}</b>').format(word.removeprefix("only "), word)
