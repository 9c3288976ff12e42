"""Chains as documents: what their headers claim, raw, and the hops that are walked as they are read."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from unmasq.base import moments
from unmasq.keep.ask.sources import Row, View
from unmasq.model.address import NONE, text_or_none, to_text
from unmasq.model.flow import Chain, Client, Hop
from unmasq.model.flowbatch import Evidence, Flag
from unmasq.model.ingress import TEXTS
from unmasq.unwind.claims import NOTES, elements, header_values
from unmasq.unwind.judge import seen_by
from unmasq.unwind.trust import TrustList
from unmasq.unwind.walk import read_headers, walk

Asked = dict[str, dict[str, int]]
"""Requests by text, for each of `unmasq.model.ingress.TEXTS`."""

LISTED_CLIENTS = 100

_CHAINS = """
SELECT c.*, coalesce(t.value, '') AS header_text
FROM day.chains c LEFT JOIN day.every_text t ON t.text = c.headers
WHERE c.flow IN (SELECT unnest($flows)) ORDER BY c.chain
"""
# A summed chain may have several rows of the same texts.
_ASKED = f"""
SELECT a.chain, {", ".join(f"{name}.value AS {name}" for name in TEXTS)}, sum(a.requests)::BIGINT AS requests
FROM day.asked a {" ".join(f"JOIN day.every_text {name} ON {name}.text = a.{name}" for name in TEXTS)}
WHERE a.chain IN (SELECT unnest($chains)) GROUP BY ALL
"""


def chains_of(view: View, place: int, flows: Sequence[int]) -> dict[int, list[tuple[Row, Asked]]]:
    """The chains of some flows of a source, each with what its requests asked for and got, most frequent first."""
    rows = view.rows(view.within(place, _CHAINS), {"flows": flows})
    counts: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: {name: Counter() for name in TEXTS})
    for asked in view.rows(view.within(place, _ASKED), {"chains": [row["chain"] for row in rows]}):
        for name in TEXTS:
            counts[asked["chain"]][name][asked[name]] += asked["requests"]
    of_flow: dict[int, list[tuple[Row, Asked]]] = defaultdict(list)
    for row in rows:
        of_flow[row["flow"]].append((row, {name: _ranked(texts) for name, texts in counts[row["chain"]].items()}))
    return of_flow


def _ranked(texts: Counter[str]) -> dict[str, int]:
    """Texts by requests, most first; without the empty one, which the log did not say."""
    return {text: requests for text, requests in sorted(texts.items(), key=lambda item: (-item[1], item[0])) if text}


def chain_document(flow: Row, row: Row, asked: Asked, trust: TrustList) -> Chain:
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
        statuses=asked["status"],
        methods=asked["method"],
        hosts=list(asked["host"]),
        paths=list(asked["path"]),
        services=list(asked["service"]),
        upstreams=list(asked["upstream"]),
        user_agents=list(asked["user_agent"]),
        count_is_minimum=bool(row["flags"] & Flag.OTHERS),
    )


def observed(flow: Row) -> tuple[int, int]:
    """Who the kernel, or the proxy's socket, saw connect."""
    nat = address(flow, "nat")
    return address(flow, "source") if nat == NONE else nat


def hops(flow: Row, header_text: str, trust: TrustList) -> list[Hop]:
    """The walked hops of a chain, left to right, the observed end last."""
    elsewhere = bool(flow["flags"] & Flag.SNAT_ELSEWHERE)
    verdict = walk(observed(flow), seen_by(flow["join"]), read_headers(header_text), trust, snat_elsewhere=elsewhere)
    return [Hop(text_or_none(*hop.address), hop.by) for hop in verdict.hops]


def raw_headers(text: str) -> dict[str, list[str]]:
    """Every recorded header's elements, raw."""
    return {name: elements(name, value) for name, value in header_values(text).items() if name not in NOTES}


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
