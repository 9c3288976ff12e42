"""The small app of a process that answers nothing but what it counts, and how it is."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from unmasq.base.exposition import MEDIA_TYPE, Metrics
from unmasq.serve.answering import Answering, nothing_noted
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.gate import Gate


def metrics_app(metrics: Metrics, broken: Callable[[], str | None], gate: Gate) -> Starlette:
    """`/metrics`, and `/healthz`: 503 while something of the process itself is broken, with what that is; it must name no client."""

    def healthz(_request: Request, _body: bytes) -> Response:
        why = broken()
        return PlainTextResponse(f"broken: {why}; unmasq doctor says more\n", 503) if why else PlainTextResponse("ok\n")

    def counted(_request: Request, _body: bytes) -> Response:
        return Response(metrics.text(), media_type=MEDIA_TYPE)

    table = [
        Endpoint("GET", "/metrics", "nothing", "What is counted.", counted),
        Endpoint("GET", "/healthz", "nothing", "Whether the process does its work.", healthz),
    ]
    return Answering(gate, nothing_noted).app(table)
