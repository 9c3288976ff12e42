"""Many addresses at once: a list that somebody pasted, each with whether anything is known of it."""

import re

from msgspec import Struct

from unmasq.base.errors import UsageError
from unmasq.find.answer import Seen
from unmasq.model.address import parse_range
from unmasq.model.completeness import Completeness
from unmasq.model.filter import FlowFilter
from unmasq.report.sentences import leading
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.window import EVER, Window

MOST = 200
"""Addresses of one list; longer ones are for `unmasq trace --from-file`."""

_BETWEEN = re.compile(r"[\s,;|<>\"']+")


class Hit(Struct, frozen=True):
    """One address of the list; `seen` is the role that says most of it, null where nothing is known."""

    address: str
    seen: Seen | None


class Several(Struct, frozen=True):
    """`strange` are words of the list that name no address, `more` is how many addresses were left out."""

    window: Window
    hits: list[Hit]
    strange: list[str]
    more: int
    completeness: Completeness


def several(asked: Asked) -> Several:
    """The page."""
    wanted, window = asked.filtered() if asked.names_a_window else (FlowFilter(), Window(None, None, EVER))
    addresses, strange = split(asked.said("q"))
    hits = [Hit(each, leading(asked.backend.trace(each, wanted, is_quick=True))) for each in addresses[:MOST]]
    hits.sort(key=lambda hit: hit.seen is None)
    return Several(window, hits, strange, len(addresses) - len(hits), asked.completeness_of(wanted, window))


def split(text: str) -> tuple[list[str], list[str]]:
    """The addresses and ranges in a text, in one form and each once, and its other words."""
    found: dict[str, None] = {}
    strange: list[str] = []
    for word in filter(None, _BETWEEN.split(text)):
        try:
            found[parse_range(word).text] = None
        except UsageError:
            strange.append(word)
    return list(found), strange
