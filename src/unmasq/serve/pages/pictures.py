"""Answers as pictures: what `unmasq.show.draw` needs, from what a page has."""

from markupsafe import Markup

from unmasq.base import moments
from unmasq.find.answer import Trace
from unmasq.keep.shapes import Bucket, Histogram
from unmasq.report.evidence import LISTED_PATHS, way
from unmasq.serve.pages.links import Links, about
from unmasq.show.draw.histogram import Bar, histogram
from unmasq.show.draw.hops import hop_picture
from unmasq.show.ways import Hop, Way

CLAIMS = ("claim", "original_source")
"""Roles in which an address is only named, whoever is the client of these requests."""


def bars(found: Histogram, links: Links, role: str = "") -> Markup:
    """Requests over time; each bar leads to its own time. Of a claimed address they are claims, whatever their senders are."""
    counted = _claims if role in CLAIMS else _kinds
    drawn = [_bar(bucket, counted(bucket), found.width_us, links) for bucket in found.buckets]
    return Markup(histogram(drawn))  # noqa: S704  # draw.svg escapes


def hop_chains(trace: Trace) -> Markup:
    """The ways with most requests; each box leads to the page of its address."""
    return Markup(hop_picture([_linked(way(path)) for path in trace.paths[:LISTED_PATHS]]))  # noqa: S704  # draw.svg escapes


def _kinds(bucket: Bucket) -> dict[str, int]:
    return {"direct": bucket.observed, "forwarded": bucket.forwarded, "logged": bucket.logged, "unknown": bucket.unknown}


def _claims(bucket: Bucket) -> dict[str, int]:
    return {"claimed": bucket.observed + bucket.forwarded + bucket.logged + bucket.unknown}


def _bar(bucket: Bucket, counts: dict[str, int], width_us: int, links: Links) -> Bar:
    end_us = bucket.start_us + width_us
    return Bar(bucket.start_us, end_us, counts, links.during(since=moments.text(bucket.start_us), until=moments.text(end_us)))


def _linked(drawn: Way) -> Way:
    claimed = _link(drawn.claimed) if drawn.claimed else None
    return drawn._replace(hops=[_link(hop) for hop in drawn.hops], claimed=claimed)


def _link(hop: Hop) -> Hop:
    return hop._replace(href=about(hop.ip)) if hop.ip else hop
