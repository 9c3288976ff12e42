"""What each path of the API asks of the backend: requests taken apart, nothing decided."""

import msgspec
from starlette.requests import Request

from unmasq.base.clock import Clock
from unmasq.base.errors import UsageError
from unmasq.base.moments import parse
from unmasq.find.answer import Pointers, Trace
from unmasq.keep.shapes import Facets, FlowPage, Health, Histogram, RejectSample, Top
from unmasq.model.address import parse_range
from unmasq.model.completeness import Completeness
from unmasq.model.filter import FlowFilter
from unmasq.model.health import NodeStatus
from unmasq.serve.contract import ASIDE, InvalidRequest, filter_of, is_yes, length, number
from unmasq.serve.protocol import Backend, NodeHeard, Rejudged, Trusted, TrustedProxy, TrustVersion

DEFAULT_LIMIT = 100
DEFAULT_LISTED = {"facets": 10, "top": 20}


class Routes:
    """One method a route: (request, body) -> the answer. Raises UsageError for a request that cannot be understood."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend, self._clock = backend, clock

    def flows(self, request: Request, _body: bytes) -> FlowPage:
        """GET /api/v1/flows?client=...&limit=...&after=..."""
        limit = number(request.query_params.get("limit", str(DEFAULT_LIMIT)), "limit")
        return self._backend.flows(self._wanted(request), limit, request.query_params.get("after"))

    def trace(self, request: Request, _body: bytes) -> Trace:
        """GET /api/v1/trace/ADDRESS, also of a range: 10.0.0.0%2F8."""
        address = request.path_params["address"]
        try:
            parse_range(address)
        except UsageError as error:
            raise InvalidRequest(error, "path.address") from None
        return self._backend.trace(address, self._wanted(request), is_quick=is_yes(request.query_params.get("quick", "false"), "quick"))

    def histogram(self, request: Request, _body: bytes) -> Histogram:
        """GET /api/v1/histogram?client=...&width=1h."""
        width = request.query_params.get("width")
        return self._backend.histogram(self._wanted(request), None if width is None else length(width, "width"))

    def facets(self, request: Request, _body: bytes) -> Facets:
        """GET /api/v1/facets?client=...&field=host&field=status&limit=10."""
        limit = number(request.query_params.get("limit", str(DEFAULT_LISTED["facets"])), "limit")
        return self._backend.facets(self._wanted(request), request.query_params.getlist("field"), limit)

    def top(self, request: Request, _body: bytes) -> Top:
        """GET /api/v1/top?last=1d&by=client&limit=20&new=true."""
        asked = request.query_params
        limit = number(asked.get("limit", str(DEFAULT_LISTED["top"])), "limit")
        only_new = is_yes(asked.get("new", "false"), "new")
        return self._backend.top(self._wanted(request), asked.get("by", "client"), limit, only_new=only_new)

    def completeness(self, request: Request, _body: bytes) -> Completeness:
        """GET /api/v1/completeness?last=1d."""
        return self._backend.completeness(self._wanted(request))

    def nodes(self, _request: Request, _body: bytes) -> list[NodeHeard]:
        """GET /api/v1/nodes."""
        return self._backend.nodes()

    def rejects(self, _request: Request, _body: bytes) -> list[RejectSample]:
        """GET /api/v1/rejects."""
        return self._backend.rejects()

    def proxies(self, _request: Request, _body: bytes) -> Pointers:
        """GET /api/v1/proxies."""
        return self._backend.proxies()

    def health(self, _request: Request, _body: bytes) -> Health:
        """GET /api/v1/health."""
        return self._backend.health()

    def status(self, _request: Request, _body: bytes) -> NodeStatus | None:
        """GET /api/v1/status."""
        return self._backend.status()

    def trust(self, _request: Request, _body: bytes) -> Trusted:
        """GET /api/v1/trust."""
        return self._backend.trust()

    def trust_versions(self, _request: Request, _body: bytes) -> list[TrustVersion]:
        """GET /api/v1/trust/versions."""
        return self._backend.trust_versions()

    def trust_add(self, _request: Request, body: bytes) -> Trusted:
        """POST /api/v1/trust with {"name", "range", "header"}, or a list of those: under one new version."""
        return self._backend.trust_add(_proxies(body))

    def trust_set(self, _request: Request, body: bytes) -> Trusted:
        """PUT /api/v1/trust with the same: nothing else is trusted under their names from then on."""
        return self._backend.trust_set(_proxies(body))

    def trust_remove(self, request: Request, _body: bytes) -> Trusted:
        """DELETE /api/v1/trust?name=NAME, where NAME may also be a range."""
        name = request.query_params.get("name")
        if name is None:
            raise InvalidRequest(UsageError("which one?", "a name or range is missing", "?name=edge-lb"), "query.name")
        return self._backend.trust_remove(name)

    def rejudge(self, request: Request, _body: bytes) -> Rejudged:
        """POST /api/v1/rejudge?since=..., answered when all is judged."""
        since = request.query_params.get("since")
        return self._backend.rejudge(None if since is None else parse(since, self._clock.now_us()))

    def _wanted(self, request: Request) -> FlowFilter:
        return filter_of((pair for pair in request.query_params.multi_items() if pair[0] not in ASIDE), self._clock.now_us())


def _proxies(body: bytes) -> list[TrustedProxy]:
    try:
        told = msgspec.json.decode(body, type=TrustedProxy | list[TrustedProxy])
    except msgspec.MsgspecError as error:
        wrong = UsageError("not a trusted proxy", str(error), 'send {"name": "edge-lb", "range": "203.0.113.0/24"}')
        raise InvalidRequest(wrong, "body") from None
    return told if isinstance(told, list) else [told]
