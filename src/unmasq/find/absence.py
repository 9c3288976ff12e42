"""Why there is nothing to see of an address: never seen, seen at another time, hidden by a filter, or is the data broken? Pure."""

import ipaddress
from dataclasses import replace

from msgspec import Struct

from unmasq.base.moments import parse
from unmasq.find.answer import Trace
from unmasq.model.address import Range
from unmasq.model.filter import FlowFilter
from unmasq.show import words


class Absence(Struct, frozen=True):
    """`kind`: empty, outside, filtered, own or never. `why` is a sentence; `doubts` are reasons not to believe it."""

    kind: str
    why: str
    doubts: list[str]


def absence(trace: Trace, where: Range, wanted: FlowFilter, now_us: int) -> Absence:
    """Of an address that was not found within a filter."""
    kind, why = _why(trace, where, wanted, now_us)
    return Absence(kind, why, trace.completeness.doubts if trace.completeness else [])


def _why(trace: Trace, where: Range, wanted: FlowFilter, now_us: int) -> tuple[str, str]:
    data = trace.data
    if data.oldest_us is None or data.newest_us is None:
        return "empty", "The store holds no flows yet."
    if trace.last_seen is not None:
        ago = words.ago(parse(trace.last_seen, now_us), now_us)
        if not replace(wanted, since_us=None, until_us=None).is_empty:
            return "filtered", f"It is hidden by these filters or this window: last seen {ago}."
        return "outside", f"Not in this window, but outside of it: last seen {ago}."
    kept = words.span(data.oldest_us, data.newest_us)
    if is_own_space(where):
        return "own", f"This is private or reserved space, which only your own machines have. Not seen in {kept}."
    return "never", f"Not seen as a client, as a source or in any header in all that is kept: {kept}."


def is_own_space(where: Range) -> bool:
    """Whether nobody on the internet has an address in there."""
    address = ipaddress.ip_address(where.text.partition("/")[0])
    return not address.is_global
