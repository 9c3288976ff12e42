"""The page of flows: rows first, what they have in common beside them."""

from dataclasses import replace

from msgspec import Struct

from unmasq.keep.protocol import FlowPage
from unmasq.model.address import parse_range
from unmasq.report.columns import COLUMNS, chosen
from unmasq.serve.contract import number
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.counts import ROLES, Counts, Ends, counts, of_role
from unmasq.serve.pages.links import about
from unmasq.serve.pages.window import Window

USUAL = ("time", "source", "client", "evidence", "claimed", "dest", "requests", "statuses", "hosts", "paths", "flags")
LISTED = "50"


class Flows(Struct, frozen=True):
    """A page of flows, newest first, with `next` as the key of the page behind it. `counts` as in `Address`."""

    flows: list
    next: str | None
    window: Window
    ends: Ends | None
    columns: list[str]
    all_columns: list[str]
    counts: Counts | None


def flows(asked: Asked) -> Flows:
    """The page. Raises UsageError for a filter, column or page that cannot be."""
    wanted, window = asked.filtered()
    page: FlowPage = asked.backend.flows(wanted, number(asked.said("limit", LISTED), "limit"), asked.said("after") or None)
    ends = asked.ends(window)
    return Flows(
        flows=page.flows,
        next=page.next,
        window=window,
        ends=ends,
        columns=[column.name for column in chosen(asked.said("columns") or None, USUAL)],
        all_columns=list(COLUMNS),
        counts=counts(asked, wanted, ends) if asked.is_whole else None,
    )


def beside(asked: Asked) -> Counts | None:
    """The bars and facets that a page left out: of all flows of its filter, or of those in which its address plays a role."""
    wanted, window = asked.filtered()
    role, of = asked.said("role"), asked.said("of")
    if role in ROLES and of.startswith(about("")):
        wanted = of_role(wanted, role, parse_range(of.removeprefix(about(""))).text)
    return counts(asked, wanted, asked.ends(window), role)
