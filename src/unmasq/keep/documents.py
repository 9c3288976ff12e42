"""Rows to flow logs: the documents of one page, with hops walked as they are read."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from unmasq.base.clock import MICROSECONDS
from unmasq.keep import calico
from unmasq.keep.sources import Row, View
from unmasq.model.address import NONE, text_or_none, to_text
from unmasq.model.flow import Chain, Client, Connection, Flow, Hop, Tuple, Unmasq
from unmasq.model.flowbatch import Detail, Evidence, Flag, Join
from unmasq.model.ingress import TimeSource
from unmasq.unwind.claims import CUT, elements, header_values
from unmasq.unwind.trust import TrustList
from unmasq.unwind.walk import read_headers, walk

Details = dict[Detail, dict[str, int]]
TrustOf = Callable[[int], TrustList]

LISTED_CLIENTS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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


def time_text(us: int) -> str:
    """RFC 3339 with microseconds and Z."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def documents(view: View, found: Sequence[tuple[int, Row]], trust_of: TrustOf) -> list[Flow]:
    """The documents of flow rows, in their order; `found` is (position in view.sources, row)."""
    flows: dict[int, list[int]] = defaultdict(list)
    for place, row in found:
        flows[place].append(row["flow"])
    chains = {place: _chains(view, place, numbers) for place, numbers in flows.items()}
    return [
        document(row, chains[place][row["flow"]], trust_of(row["trust_version"]), provisional=view.sources[place].provisional)
        for place, row in found
    ]


def _chains(view: View, place: int, flows: list[int]) -> dict[int, list[tuple[Row, Details]]]:
    rows = view.rows(view.within(place, _CHAINS), {"flows": flows})
    details: dict[int, Details] = defaultdict(lambda: defaultdict(dict))
    asked = view.ask(view.within(place, _DETAILS), {"chains": [row["chain"] for row in rows]})
    for chain, kind, value, requests in asked:
        details[chain][Detail(kind)][value] = requests
    of_flow: dict[int, list[tuple[Row, Details]]] = defaultdict(list)
    for row in rows:
        of_flow[row["flow"]].append((row, details[row["chain"]]))
    return of_flow


def document(row: Row, chains: Sequence[tuple[Row, Details]], trust: TrustList, *, provisional: bool) -> Flow:
    """One flow with its chains and their details as a flow log."""
    originals = calico.original_sources(chain["header_text"] for chain, _ in chains)
    source, dest = _address(row, "source"), _address(row, "dest")
    return Flow(
        start_time=row["interval_start_us"] // MICROSECONDS,
        end_time=row["interval_end_us"] // MICROSECONDS,
        source_ip=text_or_none(*source),
        source_port=row["source_port"] or None,
        source_name=calico.NOT_KNOWN,
        source_name_aggr=calico.aggregate_name(*source),
        source_namespace=calico.NOT_KNOWN,
        source_type="net",
        dest_ip=text_or_none(*dest),
        dest_port=row["dest_port"] or None,
        dest_name=calico.NOT_KNOWN,
        dest_name_aggr=calico.aggregate_name(*dest),
        dest_namespace=calico.NOT_KNOWN,
        dest_type="net",
        dest_service_namespace=calico.NOT_KNOWN,
        dest_service_name=calico.NOT_KNOWN,
        dest_service_port=calico.NOT_KNOWN,
        proto=calico.protocol_name(row["protocol"]),
        action="allow",
        reporter="dst",
        host=row["node"],
        bytes_in=_known(row["bytes_in"]),
        bytes_out=_known(row["bytes_out"]),
        packets_in=_known(row["packets_in"]),
        packets_out=_known(row["packets_out"]),
        num_flows=1,
        num_flows_started=row["started"],
        num_flows_completed=row["completed"],
        original_source_ips=originals or None,
        num_original_source_ips=row["originals"],
        unmasq=_ours(row, chains, trust, provisional=provisional),
    )


def _ours(row: Row, chains: Sequence[tuple[Row, Details]], trust: TrustList, *, provisional: bool) -> Unmasq:
    return Unmasq(
        id=str(UUID(int=row["id_hi"] << 64 | row["id_lo"])),
        node=row["node"],
        join=Join(row["join"]).label,
        flags=Flag(row["flags"]).labels(),
        nat_source_ip=text_or_none(*_address(row, "nat")),
        connection=_connection(row),
        time_source=TimeSource(row["time_source"]).label,
        trust_version=row["trust_version"],
        listener=_listener(row),
        requests=row["requests"],
        chains=[_chain(row, chain, details, trust) for chain, details in chains],
        clients=_clients([chain for chain, _ in chains]),
        provisional=provisional,
    )


def _connection(row: Row) -> Connection | None:
    if row["join"] == Join.UNWITNESSED:
        return None
    source, dest = to_text(*_address(row, "source")), to_text(*_address(row, "dest"))
    nat, asked = to_text(*_address(row, "nat")), to_text(*_address(row, "orig_dest"))
    original = Tuple(
        nat or source, row["nat_port"] if nat else row["source_port"], asked or dest, row["orig_dest_port"] or row["dest_port"]
    )
    return Connection(
        id=row["conntrack_id"],
        original=original,
        reply=Tuple(dest, row["dest_port"], source, row["source_port"]),
        start=time_text(row["opened_us"]) if row["opened_us"] else None,
        end=time_text(row["closed_us"]) if row["closed_us"] else None,
    )


def _listener(row: Row) -> str | None:
    dest = to_text(*_address(row, "dest"))
    if not dest:
        return None
    return f"[{dest}]:{row['dest_port']}" if ":" in dest else f"{dest}:{row['dest_port']}"


def _chain(flow: Row, row: Row, details: Details, trust: TrustList) -> Chain:
    return Chain(
        observed=text_or_none(*observed(flow)),
        headers=raw_headers(row["header_text"]),
        hops=hops(flow, row["header_text"], trust),
        client=text_or_none(*_address(row, "client")),
        evidence=Evidence(row["evidence"]).label,
        flags=Flag(row["flags"]).labels(),
        requests=row["requests"],
        bytes_in=_known(row["bytes_in"]),
        bytes_out=_known(row["bytes_out"]),
        first=time_text(row["first_us"]),
        last=time_text(row["last_us"]),
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
    nat = _address(flow, "nat")
    return _address(flow, "source") if nat == NONE else nat


def hops(flow: Row, header_text: str, trust: TrustList) -> list[Hop]:
    """The walked hops of a chain, left to right, the observed end last."""
    by = "socket" if flow["join"] == Join.UNWITNESSED else "kernel"
    elsewhere = bool(flow["flags"] & Flag.SNAT_ELSEWHERE)
    verdict = walk(observed(flow), by, read_headers(header_text), trust, snat_elsewhere=elsewhere)
    return [Hop(text_or_none(*hop.address), hop.by) for hop in verdict.hops]


def raw_headers(text: str) -> dict[str, list[str]]:
    """Every recorded header's elements, raw."""
    return {name: elements(name, value) for name, value in header_values(text).items() if name != CUT}


def _clients(chains: Sequence[Row]) -> list[Client]:
    """One entry a client and evidence, most requests first."""
    of_client: dict[tuple[int, int, int], list[Row]] = defaultdict(list)
    for row in chains:
        if row["evidence"] != Evidence.NONE:
            of_client[row["client_hi"], row["client_lo"], row["evidence"]].append(row)
    clients = [_client(rows) for rows in of_client.values()]
    return sorted(clients, key=lambda client: -client.requests)[:LISTED_CLIENTS]


def _client(rows: Sequence[Row]) -> Client:
    return Client(
        ip=to_text(*_address(rows[0], "client")),
        evidence=Evidence(rows[0]["evidence"]).label or "",
        requests=sum(row["requests"] for row in rows),
        bytes_in=_sum(rows, "bytes_in"),
        bytes_out=_sum(rows, "bytes_out"),
        first=time_text(min(row["first_us"] for row in rows)),
        last=time_text(max(row["last_us"] for row in rows)),
    )


def _address(row: Row, name: str) -> tuple[int, int]:
    return row[f"{name}_hi"], row[f"{name}_lo"]


def _known(count: int) -> int | None:
    return None if count < 0 else count


def _sum(rows: Sequence[Row], name: str) -> int | None:
    known = [row[name] for row in rows if row[name] >= 0]
    return sum(known) if known else None
