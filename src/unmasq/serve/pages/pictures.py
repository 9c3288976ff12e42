"""Answers as pictures: what `unmasq.show.draw` needs, from what a page has."""

from markupsafe import Markup

from unmasq.base import moments
from unmasq.find.answer import Trace
from unmasq.keep.protocol import Bucket, Histogram
from unmasq.report.evidence import LISTED_PATHS, way_of
from unmasq.serve.pages.links import Links, about
from unmasq.show.draw.histogram import Bar, histogram
from unmasq.show.draw.hops import hop_picture


def bars(found: Histogram, links: Links) -> Markup:
    """Requests over time; each bar leads to its own time."""
    return Markup(histogram([_bar(bucket, found.width_us, links) for bucket in found.buckets]))  # noqa: S704  # svg escapes all


def hop_chains(trace: Trace) -> Markup:
    """The ways with most requests; each box leads to the page of its address."""
    return Markup(hop_picture([way_of(path, about) for path in trace.paths[:LISTED_PATHS]]))  # noqa: S704  # svg escapes all


def _bar(bucket: Bucket, width_us: int, links: Links) -> Bar:
    end_us = bucket.start_us + width_us
    counts = {"direct": bucket.observed, "forwarded": bucket.forwarded, "logged": bucket.logged, "unknown": bucket.unknown}
    return Bar(bucket.start_us, end_us, counts, links.during(since=moments.text(bucket.start_us), until=moments.text(end_us)))
