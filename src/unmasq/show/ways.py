"""The way of requests from whom they come to the proxy, as it is shown: the nouns of its picture, and it as one line of text."""

from collections.abc import Sequence
from typing import NamedTuple

from unmasq.show import words

_SEEN = {"kernel": "seen by the kernel", "socket": "seen by the proxy's socket", "logged": "as the log says", "claimed": "only claimed"}


class Hop(NamedTuple):
    """One address, who says that it was there, the name under which it is trusted, and where a click on it leads.

    `ip` is None where nobody can know it. `by` is a header's name, `kernel`, `socket`, `logged` or `claimed`.
    """

    ip: str | None
    by: str
    name: str | None = None
    href: str | None = None


class Way(NamedTuple):
    """Requests that came the same way: hops from left to right, the observed end last, then `dest`.

    `claimed` is what a header names to the left of all hops and nobody vouches for. `translated` is what the proxy logged in
    place of the last hop, since a node translated the connection: it stands between the two and is no hop.
    """

    hops: Sequence[Hop]
    dest: str
    requests: int
    claimed: Hop | None = None
    translated: str | None = None
    dest_href: str | None = None


def said_by(hop: Hop) -> str:
    """Who says that the hop was there, in words."""
    return _SEEN.get(hop.by) or f"named in {hop.by}"


def hop_text(way: Way) -> str:
    """One line, not yet escaped: `==>` was seen, `-->` a trusted proxy says so, `..>` somebody claims."""
    claimed = f"{way.claimed.ip} ..> " if way.claimed else ""
    hops = " --> ".join(words.called(hop.ip or "?", hop.name) for hop in way.hops)
    translated = f" (the proxy logged {way.translated})" if way.translated else ""
    return f"{claimed}{hops or '?'} ==> {way.dest}{translated}"
