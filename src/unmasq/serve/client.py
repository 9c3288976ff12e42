"""The asking end of the socket: the questions of `Backend`, put to the owner of a store."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import quote

import httpx2
import msgspec

from unmasq.base.errors import StoreError, Unreachable, UsageError
from unmasq.base.moments import duration, text
from unmasq.base.servers import advice
from unmasq.find.answer import Pointers, Trace
from unmasq.keep.shapes import Facets, FlowPage, Health, Histogram, RejectSample, Top
from unmasq.model.completeness import Completeness
from unmasq.model.filter import FlowFilter
from unmasq.model.health import NodeStatus
from unmasq.serve.contract import ErrorBody, query_of
from unmasq.serve.protocol import NodeHeard, Rejudged, Told, Trusted, TrustedProxy, TrustVersion
from unmasq.serve.socket import short_path

_TIMEOUT_SECONDS = 60

Answer = TypeVar("Answer")


class Peer(NamedTuple):
    """Whom a person knows the other end as, and what to do where it does not answer."""

    name: str
    next_step: str


class Owner:
    """Asks the process that owns a store or spool. Raises Unreachable where nobody answers, else what the owner raised."""

    def __init__(self, client: httpx2.Client, peer: Peer) -> None:
        self._client, self._peer = client, peer

    def trace(self, address: str, wanted: FlowFilter, *, is_quick: bool = False) -> Trace:
        how = [("quick", "true")] if is_quick else []
        return self._ask(Trace, "GET", f"trace/{quote(address, safe='')}", query_of(wanted) + how)

    def flows(self, wanted: FlowFilter, limit: int = 100, after: str | None = None) -> FlowPage:
        paging = [("limit", str(limit))] + ([("after", after)] if after is not None else [])
        return self._ask(FlowPage, "GET", "flows", query_of(wanted) + paging)

    def histogram(self, wanted: FlowFilter, width_us: int | None = None) -> Histogram:
        width = [] if width_us is None else [("width", duration(width_us))]
        return self._ask(Histogram, "GET", "histogram", query_of(wanted) + width)

    def facets(self, wanted: FlowFilter, fields: Sequence[str], limit: int = 10) -> Facets:
        asked = [*(("field", field) for field in fields), ("limit", str(limit))]
        return self._ask(Facets, "GET", "facets", query_of(wanted) + asked)

    def top(self, wanted: FlowFilter, by: str = "client", limit: int = 20, *, only_new: bool = False) -> Top:
        asked = [("by", by), ("limit", str(limit)), ("new", "true" if only_new else "false")]
        return self._ask(Top, "GET", "top", query_of(wanted) + asked)

    def completeness(self, wanted: FlowFilter) -> Completeness:
        window = FlowFilter(since_us=wanted.since_us, until_us=wanted.until_us)
        return self._ask(Completeness, "GET", "completeness", query_of(window))

    def nodes(self) -> list[NodeHeard]:
        return self._ask(list[NodeHeard], "GET", "nodes")

    def rejects(self) -> list[RejectSample]:
        return self._ask(list[RejectSample], "GET", "rejects")

    def proxies(self) -> Pointers:
        return self._ask(Pointers, "GET", "proxies")

    def health(self) -> Health:
        return self._ask(Health, "GET", "health")

    def status(self) -> NodeStatus | None:
        # A union is no type to a type checker, but it is one to msgspec.
        return self._ask(cast("type[NodeStatus | None]", NodeStatus | None), "GET", "status")

    def trust(self) -> Trusted:
        return self._ask(Trusted, "GET", "trust")

    def trust_versions(self) -> list[TrustVersion]:
        return self._ask(list[TrustVersion], "GET", "trust/versions")

    def trust_add(self, proxies: Sequence[TrustedProxy]) -> Trusted:
        return self._ask(Trusted, "POST", "trust", content=msgspec.json.encode(proxies))

    def trust_set(self, proxies: Sequence[TrustedProxy]) -> Trusted:
        return self._ask(Trusted, "PUT", "trust", content=msgspec.json.encode(proxies))

    def trust_remove(self, what: str) -> Trusted:
        return self._ask(Trusted, "DELETE", "trust", [("name", what)])

    def rejudge(self, since_us: int | None, told: Told = lambda _done, _days: None) -> Rejudged:  # noqa: ARG002  # it tells nothing
        since = [] if since_us is None else [("since", text(since_us))]
        return self._ask(Rejudged, "POST", "rejudge", since, timeout=None)

    def _ask(self, kind: type[Answer], method: str, path: str, query: list[tuple[str, str]] | None = None, **how: Any) -> Answer:
        try:
            response = self._client.request(method, f"api/v1/{path}", params=tuple(query or ()), **how)
        except httpx2.TransportError as error:
            raise self._silent(str(error) or type(error).__name__) from None
        try:
            if response.status_code != 200:
                raise _told(msgspec.json.decode(response.content, type=ErrorBody), response.status_code)
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.MsgspecError as error:
            raise self._silent(f"its answer is not ours: {error}") from None

    def _silent(self, why: str) -> Unreachable:
        return Unreachable(f"{self._peer.name} does not answer", why, advice(why) or self._peer.next_step)


@contextmanager
def owner_of(folder: Path) -> Iterator[Owner | None]:
    """Whoever answers on DIR/api.sock; None where its process is gone."""
    with short_path(folder) as path:
        if not _listens(path):
            yield None
            return
        # No proxy of the environment comes between two processes of one machine.
        transport = httpx2.HTTPTransport(uds=path)
        with httpx2.Client(transport=transport, base_url="http://unmasq", timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            yield Owner(client, Peer(f"the owner of the store in {folder}", "is that process healthy? Its log says more"))


def _listens(path: str) -> bool:
    """Whether somebody accepts connections there: the socket of a process that is gone refuses them."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        try:
            attempt.connect(path)
        except OSError:
            return False
    return True


def _told(body: ErrorBody, status: int) -> Exception:
    kind = UsageError if status in (404, 405, 422) else StoreError
    return kind(body.error.what, body.error.why, body.error.next)
