"""The first page: who sends most, who is new, and whether the data can be trusted."""

from dataclasses import replace

from msgspec import Struct

from unmasq.keep.shapes import Health, Top
from unmasq.model.completeness import Completeness
from unmasq.model.filter import FlowFilter
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.counts import Counts, Ends, counts
from unmasq.serve.pages.window import Window

LISTED = 15
OWN_CHECKS = ("flag=all_trusted",)
"""Requests of your own proxies, health checks mostly: they are folded away, with how many there were."""


_NOBODY = Top("client", [], 0, 0)


class Overview(Struct, frozen=True):
    """`top` and `new` are clients, without the requests of proxies themselves; `checks` is how many of those there were."""

    window: Window
    ends: Ends | None
    top: Top
    new: Top
    checks: int
    data: Health
    completeness: Completeness
    counts: Counts | None


def overview(asked: Asked) -> Overview:
    """The page. Raises UsageError for a filter that cannot be."""
    wanted, window = asked.filtered()
    without = replace(wanted, exclude=(*wanted.exclude, *OWN_CHECKS))
    ends = asked.ends(window)
    return Overview(
        window=window,
        ends=ends,
        top=asked.backend.top(without, limit=LISTED),
        new=_NOBODY if wanted.since_us is None else asked.backend.top(without, limit=LISTED, only_new=True),
        checks=_checks(asked, wanted),
        data=asked.data,
        completeness=asked.completeness,
        counts=counts(asked, wanted, ends) if asked.is_whole else None,
    )


def _checks(asked: Asked, wanted: FlowFilter) -> int:
    return asked.backend.top(replace(wanted, flag=(*wanted.flag, "all_trusted")), limit=1).requests
