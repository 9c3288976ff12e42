"""Chains as documents: what their headers claim, raw, and the hops that are walked as they are read."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from unmasq.base import moments
from unmasq.keep.sources import Row, View
from unmasq.model.address import NONE, text_or_none, to_text
from unmasq.model.flow import Chain, Client, Hop
from unmasq.model.flowbatch import Detail, Evidence, Flag, Join
from unmasq.unwind.claims import CUT, elements, header_values
from unmasq.unwind.trust import TrustList
from unmasq.unwind.walk import read_headers, walk

Details = dict[Detail, dict[str, int]]
TrustOf = Callable[[int], TrustList]
"""A trust list by its version."""

LISTED_CLIENTS = 100

_CHAINS = """
SELECT c.*, coalesce(t.value, '') AS header_text
FROM day.chains c LEFT JOIN day.texts t ON t.text = c.headers
WHERE c.flow IN (SELECT unnest($flows)) ORDER BY c.chain
"""
_DETAILS = """
SELECT d.chain, d.kind, t.value, sum(d.requests)::BIGINT
FROM day.details d JOIN day.texts t ON t.text = d.text
WHERE d.chain IN (SELECT unnest($chains)) GROUP BY ALL ORDER BY 4 DESC, 3
"""


def chains_of(view: View, place: int, flows: Sequence[int]) -> dict[int, list[tuple[Row, Details]]]:
    """The chains of some flows of a source, each with what its requests asked for and got, most frequent first."""
    rows = view.rows(view.within(place, _CHAINS), {"flows": flows})
    details: dict[int, Details] = defaultdict(lambda: defaultdict(dict))
    asked = view.ask(view.within(place, _DETAILS), {"chains": [row["chain"] for row in rows]})
    for chain, kind, value, requests in asked:
        details[chain][Detail(kind)][value] = requests
    of_flow: dict[int, list[tuple[Row, Details]]] = defaultdict(list)
    for row in rows:
        of_flow[row["flow"]].append((row, details[row["chain"]]))
    return of_flow


def chain_document(flow: Row, row: Row, details: Details, trust: TrustList) -> Chain:
    """One chain of a flow."""
    return Chain(
        observed=text_or_none(*observed(flow)),
        headers=raw_headers(row["header_text"]),
        hops=hops(flow, row["header_text"], trust),
        client=text_or_none(*address(row, "client")),
        evidence=Evidence(row["evidence"]).label,
        flags=Flag(row["flags"]).labels(),
        requests=row["requests"],
        bytes_in=known(row["bytes_in"]),
        bytes_out=known(row["bytes_out"]),
        first=moments.text(row["first_us"]),
        last=moments.text(row["last_us"]),
        statuses=details[Detail.STATUS],
        methods=details[Detail.METHOD],
        hosts=list(details[Detail.HOST]),
        paths=list(details[Detail.PATH]),
        services=list(details[Detail.SERVICE]),
        upstreams=list(details[Detail.UPSTREAM]),
        user_agents=list(details[Detail.USER_AGENT]),
        count_is_minimum=bool(row["flags"] & Flag.OTHERS),
    )


def observed(flow: Row) -> tuple[int, int]:
    """Who the kernel, or the proxy's socket, saw connect."""
    nat = address(flow, "nat")
    return address(flow, "source") if nat == NONE else nat


def hops(flow: Row, header_text: str, trust: TrustList) -> list[Hop]:
    """The walked hops of a chain, left to right, the observed end last."""
    by = "socket" if flow["join"] == Join.UNWITNESSED else "kernel"
    elsewhere = bool(flow["flags"] & Flag.SNAT_ELSEWHERE)
    verdict = walk(observed(flow), by, read_headers(header_text), trust, snat_elsewhere=elsewhere)
    return [Hop(text_or_none(*hop.address), hop.by) for hop in verdict.hops]


def raw_headers(text: str) -> dict[str, list[str]]:
    """Every recorded header's elements, raw."""
    return {name: elements(name, value) for name, value in header_values(text).items() if name != CUT}


def clients_of(chains: Sequence[Row]) -> list[Client]:
    """One entry a client and evidence, most requests first."""
    of_client: dict[tuple[int, int, int], list[Row]] = defaultdict(list)
    for row in chains:
        if row["evidence"] != Evidence.NONE:
            of_client[row["client_hi"], row["client_lo"], row["evidence"]].append(row)
    clients = [_client(rows) for rows in of_client.values()]
    return sorted(clients, key=lambda client: -client.requests)[:LISTED_CLIENTS]


def _client(rows: Sequence[Row]) -> Client:
    return Client(
        ip=to_text(*address(rows[0], "client")),
        evidence=Evidence(rows[0]["evidence"]).label or "",
        requests=sum(row["requests"] for row in rows),
        bytes_in=_sum(rows, "bytes_in"),
        bytes_out=_sum(rows, "bytes_out"),
        first=moments.text(min(row["first_us"] for row in rows)),
        last=moments.text(max(row["last_us"] for row in rows)),
    )


def address(row: Row, name: str) -> tuple[int, int]:
    """The address in two columns."""
    return row[f"{name}_hi"], row[f"{name}_lo"]


def known(count: int) -> int | None:
    """A count; None where it is unknown."""
    return None if count < 0 else count


def _sum(rows: Sequence[Row], name: str) -> int | None:
    known = [row[name] for row in rows if row[name] >= 0]
    return sum(known) if known else None
