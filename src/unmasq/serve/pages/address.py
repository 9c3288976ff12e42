"""The page of an address or range: who it is, how it came, what it reached, when, and where it can be stopped."""

from dataclasses import replace

from msgspec import Struct, structs

from unmasq.base.moments import parse
from unmasq.find.absence import Absence, absence
from unmasq.find.answer import Trace
from unmasq.keep.shapes import FlowPage
from unmasq.model.address import Range, parse_range
from unmasq.model.filter import FlowFilter
from unmasq.report.sentences import leading
from unmasq.serve.pages.asked import Asked
from unmasq.serve.pages.counts import Counts, Ends, counts, of_role
from unmasq.serve.pages.window import Window

LISTED_FLOWS = 25


class Network(Struct, frozen=True):
    """Where an address is and whose network that is, as files that somebody named tell; null is what they do not."""

    country: str | None
    asn: int | None
    owner: str | None


class Address(Trace, frozen=True, kw_only=True):
    """Everything that `trace` says, and what the page shows beside it.

    `role` is the filter by which its flows are counted; `network` is null where no file knows it, or the address is not global.
    `absent` says why there is nothing to see. `counts` and `flows` are null where they are asked for separately.
    """

    role: str
    window: Window
    ends: Ends | None
    flows: FlowPage | None
    counts: Counts | None
    network: Network | None
    absent: Absence | None


def address(asked: Asked) -> Address:
    """The page. Raises UsageError for what is no address or range."""
    where = parse_range(asked.subject)
    wanted, window = asked.filtered()
    trace = asked.backend.trace(where.text, wanted, is_quick=not asked.is_whole)
    if not trace.found and trace.last_seen and not asked.names_a_window:
        wanted, window = asked.filtered(parse(trace.last_seen, asked.now_us))
        trace = asked.backend.trace(where.text, wanted, is_quick=not asked.is_whole)
    trace = structs.replace(trace, completeness=asked.completeness_of(wanted, window)) if window.is_over else trace
    main = leading(trace)
    role = main.role if main else "client"
    ends = _life(trace, asked.ends(window), asked.now_us) if trace.found else None
    return Address(
        **structs.asdict(trace),
        role=role,
        window=window,
        ends=ends,
        flows=_flows(asked, wanted, where) if asked.is_whole else None,
        counts=counts(asked, of_role(wanted, role, where.text), ends, role) if asked.is_whole else None,
        network=_network(asked, where),
        absent=None if trace.found else absence(trace, where, wanted, asked.now_us),
    )


def flows_of(asked: Asked) -> FlowPage:
    """The newest flows in which the address plays any role. Raises UsageError as `address`."""
    wanted, _ = asked.filtered()
    return _flows(asked, wanted, parse_range(asked.subject))


def _flows(asked: Asked, wanted: FlowFilter, where: Range) -> FlowPage:
    return asked.backend.flows(replace(wanted, any=(*wanted.any, where.text)), LISTED_FLOWS)


def related(asked: Asked) -> Trace:
    """What the page leaves out at first: who is near, and what of the newest requests points at proxies beside the address."""
    wanted, _ = asked.filtered()
    return asked.backend.trace(parse_range(asked.subject).text, wanted)


def _network(asked: Asked, where: Range) -> Network | None:
    place = asked.place_of(where.text) if where.is_single else None
    return Network(place.country, place.asn, place.owner) if place else None


def _life(trace: Trace, ends: Ends | None, now_us: int) -> Ends | None:
    """The window, or that part of it in which the address was seen."""
    firsts = [parse(role.first, now_us) for role in trace.roles if role.first]
    lasts = [parse(role.last, now_us) for role in trace.roles if role.last]
    if ends is None or not firsts or not lasts:
        return ends
    return max(ends[0], min(firsts)), min(ends[1], max(lasts) + 1)
