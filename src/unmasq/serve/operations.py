"""What whoever runs the program asks: is it alive, is it ready, what does it count, who changed what."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from unmasq.base.errors import StoreBusy, UsageError
from unmasq.base.exposition import MEDIA_TYPE, Metrics
from unmasq.keep.control.audit import Audit, AuditPage
from unmasq.serve.contract import InvalidRequest, number
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.parameters import AFTER, FORM
from unmasq.serve.parameters import limit as limited

Trouble = Callable[[], str | None]
"""Why the process cannot do its own work now; it names no client."""

MOST_ENTRIES = 1000
_AUDIT = (limited(MOST_ENTRIES), AFTER, FORM)


class Well(Struct, frozen=True):
    """All is well."""

    status: str = "ok"


def alive(trouble: Trouble = lambda: None) -> Endpoint:
    """Whether somebody answers at all, and is not in trouble. It needs no token, so that it does not tell in which."""

    def healthz(_request: Request, _body: bytes) -> Well:
        if trouble() is not None:
            raise StoreBusy("flows cannot be taken", "this server failed at its own work", "it has said more where it was started")
        return Well()

    return Endpoint("GET", "/healthz", "nothing", "Whether the process does its work.", healthz, gives=Well)


@dataclass(frozen=True)
class Operations:
    """`unready`: why no questions are answered, or nothing can be written; `trouble`: what is wrong with the process itself."""

    metrics: Metrics
    audit: Audit
    trouble: Trouble
    unready: Trouble

    def endpoints(self) -> list[Endpoint]:
        """Their paths never change."""
        noted = "Who changed what, and who logged in, newest first."
        return [
            alive(self.trouble),
            Endpoint("GET", "/readyz", "nothing", "Whether questions are answered and flows are written.", self._readyz, gives=Well),
            Endpoint("GET", "/metrics", "see", "What is counted, for Prometheus.", self._metrics),
            Endpoint("GET", "/api/v1/audit", "admin", noted, self._audit, takes=_AUDIT, gives=AuditPage),
        ]

    def _readyz(self, _request: Request, _body: bytes) -> Well:
        """It needs no token, so that it tells no more than a word."""
        if why := self.unready() or (self.trouble() and "flows cannot be taken"):
            raise StoreBusy("not ready", why, "it has said more where it was started")
        return Well()

    def _metrics(self, _request: Request, _body: bytes) -> Response:
        return Response(self.metrics.text(), media_type=MEDIA_TYPE)

    def _audit(self, request: Request, _body: bytes) -> AuditPage:
        limit, after = number(request.query_params.get("limit", "100"), "limit"), request.query_params.get("after")
        if not 1 <= limit <= MOST_ENTRIES:
            wrong = UsageError(f"not a page of {limit} entries", f"it goes from 1 to {MOST_ENTRIES}", "read page by page, with after=")
            raise InvalidRequest(wrong, "query.limit")
        return self.audit.page(limit, None if after is None else number(after, "after"))
