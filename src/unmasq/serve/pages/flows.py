"""The page of flows: rows first, what they have in common beside them."""

from msgspec import Struct

from unmasq.model.completeness import Completeness
from unmasq.model.flow import Flow
from unmasq.report.columns import COLUMNS, chosen
from unmasq.serve.contract import number
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.counts import Counts, Ends, counts
from unmasq.serve.pages.window import Window

USUAL = ("time", "source", "client", "evidence", "claimed", "dest", "requests", "statuses", "hosts", "paths", "flags")
LISTED = "50"


class Flows(Struct, frozen=True):
    """A page of flows, newest first, with `next` as the key of the page behind it. `counts` as in `Address`."""

    flows: list[Flow]
    next: str | None
    window: Window
    ends: Ends | None
    columns: list[str]
    all_columns: list[str]
    counts: Counts | None
    completeness: Completeness


def flows(asked: Asked) -> Flows:
    """The page. Raises UsageError for a filter, column or page that cannot be."""
    wanted, window = asked.filtered()
    page = asked.backend.flows(wanted, number(asked.said("limit", LISTED), "limit"), asked.said("after") or None)
    ends = asked.ends(window)
    return Flows(
        flows=page.flows,
        next=page.next,
        window=window,
        ends=ends,
        columns=[column.name for column in chosen(asked.said("columns") or None, USUAL)],
        all_columns=list(COLUMNS),
        counts=counts(asked, wanted, ends) if asked.is_whole else None,
        completeness=asked.completeness,
    )
