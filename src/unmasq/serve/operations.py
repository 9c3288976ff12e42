"""What whoever runs the program asks: is it alive, is it ready, what does it count, who changed what."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from unmasq.base.errors import StoreBusy, UsageError
from unmasq.base.exposition import MEDIA_TYPE, Metrics
from unmasq.keep.control.audit import Audit, Entry
from unmasq.serve.contract import InvalidRequest, number
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.parameters import limit

Trouble = Callable[[], str | None]
"""Why the process cannot do its own work now; it names no client."""

_MOST_ENTRIES = 1000


class Well(Struct, frozen=True):
    """All is well."""

    status: str = "ok"


def alive(trouble: Trouble = lambda: None) -> Endpoint:
    """Whether somebody answers at all, and is not in trouble. It needs no token, so that it does not tell in which."""

    def healthz(_request: Request, _body: bytes) -> Well:
        return _well(trouble)

    return Endpoint("GET", "/healthz", "nothing", "Whether the process does its work.", healthz, gives=Well)


def _well(trouble: Trouble) -> Well:
    if trouble() is not None:
        raise StoreBusy("flows cannot be taken", "this server failed at its own work", "it has said more where it was started")
    return Well()


@dataclass(frozen=True)
class Operations:
    """`is_open`: whether the store answers at all."""

    metrics: Metrics
    audit: Audit
    trouble: Trouble
    is_open: Callable[[], bool]

    def endpoints(self) -> list[Endpoint]:
        """Their paths never change."""
        return [
            alive(self.trouble),
            Endpoint("GET", "/readyz", "nothing", "Whether questions are answered and flows can be taken.", self._readyz, gives=Well),
            Endpoint("GET", "/metrics", "see", "What is counted, for Prometheus.", self._metrics),
            Endpoint(
                "GET",
                "/api/v1/audit",
                "admin",
                "Who changed what, newest first.",
                self._audit,
                takes=(limit(_MOST_ENTRIES),),
                gives=list[Entry],
            ),
        ]

    def _readyz(self, _request: Request, _body: bytes) -> Well:
        if not self.is_open():
            raise StoreBusy("the store does not answer", "it is being opened, or closed", "ask again in a moment")
        return _well(self.trouble)

    def _metrics(self, _request: Request, _body: bytes) -> Response:
        return Response(self.metrics.text(), media_type=MEDIA_TYPE)

    def _audit(self, request: Request, _body: bytes) -> list[Entry]:
        wanted = number(request.query_params.get("limit", "100"), "limit")
        if not 1 <= wanted <= _MOST_ENTRIES:
            wrong = UsageError(f"not a number of entries: {wanted}", f"it goes from 1 to {_MOST_ENTRIES}", "older ones are in audit.jsonl")
            raise InvalidRequest(wrong, "query.limit")
        return self.audit.newest(wanted)
