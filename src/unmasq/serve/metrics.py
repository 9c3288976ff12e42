"""Metrics over HTTP, and the small app of a process that answers nothing else."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from unmasq.base.exposition import MEDIA_TYPE, Metrics


def metrics_app(metrics: Metrics, broken: Callable[[], str | None]) -> Starlette:
    """`/metrics`, and `/healthz`: 503 while something of the process itself is broken, with what that is; it must name no client."""

    def healthz(_request: Request) -> Response:
        why = broken()
        return PlainTextResponse(f"broken: {why}; unmasq doctor says more\n", 503) if why else PlainTextResponse("ok\n")

    return Starlette(routes=[Route("/metrics", endpoint(metrics)), Route("/healthz", healthz)])


def endpoint(metrics: Metrics) -> Callable[[Request], Response]:
    """The endpoint of `/metrics`."""
    return lambda _request: Response(metrics.text(), media_type=MEDIA_TYPE)
