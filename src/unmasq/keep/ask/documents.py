"""Rows to flow logs: the documents of one page, with hops walked as they are read."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from unmasq.base import moments
from unmasq.base.clock import MICROSECONDS
from unmasq.keep.ask import calico
from unmasq.keep.ask.hops import Asked, address, chain_document, chains_of, clients_of, known
from unmasq.keep.ask.sources import Row, View
from unmasq.model.address import text_or_none, to_text
from unmasq.model.flow import Connection, Flow, Tuple, Unmasq
from unmasq.model.flowbatch import Flag, Join
from unmasq.model.ingress import TimeSource
from unmasq.unwind.trust import TrustList


def documents(view: View, found: Sequence[tuple[int, Row]]) -> list[Flow]:
    """The documents of flow rows, in their order; `found` is (position in view.sources, row)."""
    flows: dict[int, list[int]] = defaultdict(list)
    for place, row in found:
        flows[place].append(row["flow"])
    chains = {place: chains_of(view, place, numbers) for place, numbers in flows.items()}
    return [
        document(row, chains[place][row["flow"]], view.trust_of(row["trust_version"]), provisional=view.sources[place].provisional)
        for place, row in found
    ]


def document(row: Row, chains: Sequence[tuple[Row, Asked]], trust: TrustList, *, provisional: bool) -> Flow:
    """One flow with its chains and what they asked for as a flow log."""
    originals = calico.original_sources(chain["header_text"] for chain, _ in chains)
    source, dest = address(row, "source"), address(row, "dest")
    namespace, _, name = row["pod_text"].partition("/")
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
        dest_name=name or calico.NOT_KNOWN,
        dest_name_aggr=calico.pod_prefix(name) if name else calico.aggregate_name(*dest),
        dest_namespace=namespace or calico.NOT_KNOWN,
        dest_type="wep" if name else "net",
        dest_service_namespace=calico.NOT_KNOWN,
        dest_service_name=calico.NOT_KNOWN,
        dest_service_port=calico.NOT_KNOWN,
        proto=calico.protocol_name(row["protocol"]),
        action="allow",
        reporter="dst",
        host=row["node"],
        bytes_in=known(row["bytes_in"]),
        bytes_out=known(row["bytes_out"]),
        packets_in=known(row["packets_in"]),
        packets_out=known(row["packets_out"]),
        num_flows=1,
        num_flows_started=row["started"],
        num_flows_completed=row["completed"],
        original_source_ips=originals or None,
        num_original_source_ips=row["originals"],
        unmasq=_ours(row, chains, trust, provisional=provisional),
    )


def _ours(row: Row, chains: Sequence[tuple[Row, Asked]], trust: TrustList, *, provisional: bool) -> Unmasq:
    return Unmasq(
        id=str(UUID(int=row["id_hi"] << 64 | row["id_lo"])),
        node=row["node"],
        join=Join(row["join"]).label,
        flags=Flag(row["flags"]).labels(),
        nat_source_ip=text_or_none(*address(row, "nat")),
        connection=_connection(row),
        time_source=TimeSource(row["time_source"]).label,
        trust_version=row["trust_version"],
        listener=_listener(row),
        requests=row["requests"],
        chains=[chain_document(row, chain, asked, trust) for chain, asked in chains],
        clients=clients_of([chain for chain, _ in chains]),
        provisional=provisional,
    )


def _connection(row: Row) -> Connection | None:
    if row["join"] == Join.UNWITNESSED:
        return None
    source, dest = to_text(*address(row, "source")), to_text(*address(row, "dest"))
    nat, asked = to_text(*address(row, "nat")), to_text(*address(row, "orig_dest"))
    original = Tuple(
        nat or source, row["nat_port"] if nat else row["source_port"], asked or dest, row["orig_dest_port"] or row["dest_port"]
    )
    return Connection(
        id=row["conntrack_id"],
        original=original,
        reply=Tuple(dest, row["dest_port"], source, row["source_port"]),
        start=moments.text(row["opened_us"]) if row["opened_us"] else None,
        end=moments.text(row["closed_us"]) if row["closed_us"] else None,
    )


def _listener(row: Row) -> str | None:
    dest = to_text(*address(row, "dest"))
    if not dest:
        return None
    return f"[{dest}]:{row['dest_port']}" if ":" in dest else f"{dest}:{row['dest_port']}"
