"""One cell of a table of flows: addresses are links to their pages, texts are inert and short."""

from collections.abc import Callable, Iterator
from datetime import UTC

from markupsafe import Markup

from unmasq.base.clock import MICROSECONDS
from unmasq.model.flow import Chain, Flow
from unmasq.report.columns import COLUMNS, claimed
from unmasq.serve.pages.links import about
from unmasq.serve.pages.words import brief, kind, time
from unmasq.show import words

NUMBERS = frozenset(name for name, column in COLUMNS.items() if column.kind.is_number)
_LISTED = 3
_ASKED = ("methods", "hosts", "paths", "services", "upstreams", "user_agents")


def cell(flow: Flow, name: str) -> Markup:
    """What a flow has in a column."""
    made = _CELLS.get(name)
    return made(flow) if made else brief(COLUMNS[name].text(flow, UTC))


def _clients(flow: Flow) -> Markup:
    return _few([_link(client.ip, client.ip) for client in flow.unmasq.clients])


def _kinds(flow: Flow) -> Markup:
    return _few([kind(words.evidence(each)) for each in dict.fromkeys(client.evidence for client in flow.unmasq.clients)])


_CELLS: dict[str, Callable[[Flow], Markup]] = {
    "time": lambda flow: time(flow.start_time * MICROSECONDS),
    "source": lambda flow: _link(flow.source_ip, words.endpoint(flow.source_ip, flow.source_port)),
    "nat_source": lambda flow: _link(flow.unmasq.nat_source_ip, flow.unmasq.nat_source_ip or ""),
    "client": _clients,
    "claimed": lambda flow: _few([_link(ip, ip, "claimed") for ip in claimed(flow)]),
    "evidence": _kinds,
}


def asked_for(chain: Chain) -> Iterator[tuple[str, str]]:
    """What requests of a chain asked for and got, by name; what the log does not say is left out."""
    if chain.statuses:
        yield "statuses", ", ".join(f"{status} {words.count(requests)}" for status, requests in chain.statuses.items())
    for name in _ASKED:
        if texts := list(getattr(chain, name)):
            yield name.replace("_", " "), "  ".join(words.written(text) for text in texts)


def _link(ip: str | None, text: str, kind: str = "") -> Markup:
    if ip is None:
        return Markup('<span class="unknown">-</span>')
    return Markup('<a class="ip {}" href="{}">{}</a>').format(kind, about(ip), text)


def _few(parts: list[Markup]) -> Markup:
    more = Markup(" +{}").format(len(parts) - _LISTED) if len(parts) > _LISTED else Markup("")
    return Markup(" ").join(parts[:_LISTED]) + more if parts else Markup("-")
