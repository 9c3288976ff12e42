"""The columns of a flow in a table or CSV."""

from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from typing import NamedTuple

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import UsageError
from unmasq.model.address import to_text
from unmasq.model.flow import Chain, Flow
from unmasq.show import words
from unmasq.show.columns import Kind
from unmasq.unwind.claims import named

TABLE = ("time", "source", "client", "evidence", "claimed", "dest", "requests", "statuses", "flags")
WIDE = (*TABLE, "nat_source", "join", "node", "hosts", "paths", "id")
WHOLE, NUMBER, TEXT = Kind(), Kind(is_number=True), Kind(whole=False)
_LISTED = 3


class Column(NamedTuple):
    """A name, the text of a flow, and how it is set."""

    name: str
    text: Callable[[Flow, tzinfo | None], str]
    kind: Kind = WHOLE


def chosen(names: str | None, usual: Iterable[str]) -> list[Column]:
    """The columns of a list of names with commas, else the usual ones. Raises UsageError for one that there is not."""
    wanted = [name.strip() for name in names.split(",")] if names else list(usual)
    unknown = [name for name in wanted if name not in COLUMNS]
    if unknown:
        raise UsageError(f"unknown column {unknown[0]!r}", "a flow has no column of that name", "known are " + ", ".join(COLUMNS))
    return [COLUMNS[name] for name in wanted]


def _time(flow: Flow, zone: tzinfo | None) -> str:
    return words.time(flow.start_time * MICROSECONDS, zone)


def _client(flow: Flow, _zone: tzinfo | None) -> str:
    return _few([client.ip for client in flow.unmasq.clients]) or "-"


def _evidence(flow: Flow, _zone: tzinfo | None) -> str:
    kinds = dict.fromkeys(client.evidence for client in flow.unmasq.clients)
    return ", ".join(words.evidence(kind) for kind in kinds) or "-"


def _claimed(flow: Flow, _zone: tzinfo | None) -> str:
    return _few(claimed(flow))


def claimed(flow: Flow) -> list[str]:
    """What headers claim and nobody vouches for, each once."""
    return list(dict.fromkeys(ip for chain in flow.unmasq.chains for ip in _not_walked(chain)))


def _not_walked(chain: Chain) -> Iterator[str]:
    walked = {hop.ip for hop in chain.hops}
    pairs = (named(name, element) for name, elements in chain.headers.items() for element in elements)
    yield from (ip for ip in (to_text(*pair) for pair in pairs if pair) if ip not in walked)


def _statuses(flow: Flow, _zone: tzinfo | None) -> str:
    sums: dict[str, int] = {}
    for chain in flow.unmasq.chains:
        for status, requests in chain.statuses.items():
            sums[status] = sums.get(status, 0) + requests
    return words.statuses(sums)


def _flags(flow: Flow, _zone: tzinfo | None) -> str:
    return ",".join([*(["open"] if flow.unmasq.provisional else []), *flow.unmasq.flags])


def _of_chains(texts: Callable[[Chain], list[str]]) -> Callable[[Flow, tzinfo | None], str]:
    def text(flow: Flow, _zone: tzinfo | None) -> str:
        found = dict.fromkeys(each for chain in flow.unmasq.chains for each in texts(chain))
        return _few([words.written(each) for each in found])

    return text


def _few(texts: list[str]) -> str:
    return " ".join(texts[:_LISTED]) + (f" +{len(texts) - _LISTED}" if len(texts) > _LISTED else "")


COLUMNS = {
    column.name: column
    for column in (
        Column("time", _time),
        Column("source", lambda flow, _: words.endpoint(flow.source_ip, flow.source_port) if flow.source_ip else "-"),
        Column("client", _client),
        Column("evidence", _evidence),
        Column("claimed", _claimed),
        Column("dest", lambda flow, _: words.endpoint(flow.dest_ip, flow.dest_port) if flow.dest_ip else "-"),
        Column("requests", lambda flow, _: words.count(flow.unmasq.requests), NUMBER),
        Column("statuses", _statuses),
        Column("flags", _flags),
        Column("nat_source", lambda flow, _: flow.unmasq.nat_source_ip or "-"),
        Column("join", lambda flow, _: flow.unmasq.join),
        Column("node", lambda flow, _: flow.unmasq.node),
        Column("bytes_in", lambda flow, _: "-" if flow.bytes_in is None else words.count(flow.bytes_in), NUMBER),
        Column("bytes_out", lambda flow, _: "-" if flow.bytes_out is None else words.count(flow.bytes_out), NUMBER),
        Column("hosts", _of_chains(lambda chain: chain.hosts), TEXT),
        Column("paths", _of_chains(lambda chain: chain.paths), TEXT),
        Column("user_agents", _of_chains(lambda chain: chain.user_agents), TEXT),
        Column("id", lambda flow, _: "-" if flow.unmasq.provisional else flow.unmasq.id),  # minted when it closes
    )
}
"""All columns by their names."""
