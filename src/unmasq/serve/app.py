"""The API of a store: `/api/v1`."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Route

from unmasq.base.exposition import Metrics
from unmasq.serve.answering import answering, application, healthz
from unmasq.serve.metrics import endpoint as metrics_endpoint
from unmasq.serve.receiving import Receiving
from unmasq.serve.routes import Routes


def app_of(routes: Routes) -> Starlette:
    """The app of the owner's socket: whoever reaches that may do everything."""
    changing = [
        Route("/api/v1/trust", answering(routes.trust_add), methods=["POST"]),
        Route("/api/v1/trust", answering(routes.trust_set), methods=["PUT"]),
        Route("/api/v1/trust", answering(routes.trust_remove), methods=["DELETE"]),
        Route("/api/v1/rejudge", answering(routes.rejudge), methods=["POST"]),
    ]
    return application([*_reading(routes), *changing, healthz()])


def public_app(routes: Routes, receiving: Receiving, metrics: Metrics, trouble: Callable[[], str | None]) -> Starlette:
    """The app that others may reach: questions, nodes and metrics, but nothing that changes what is believed."""
    more = [
        Route("/api/v1/batches", receiving.batches, methods=["POST"]),
        Route("/api/v1/node-settings", receiving.node_settings, methods=["GET"]),
        Route("/api/v1/node-settings", receiving.node_said, methods=["POST"]),
        Route("/metrics", metrics_endpoint(metrics)),
        healthz(trouble),
    ]
    return application([*_reading(routes), *more])


def _reading(routes: Routes) -> list[Route]:
    return [
        Route("/api/v1/flows", answering(routes.flows)),
        Route("/api/v1/trace/{address:path}", answering(routes.trace)),
        Route("/api/v1/trust", answering(routes.trust)),
        Route("/api/v1/histogram", answering(routes.histogram)),
        Route("/api/v1/facets", answering(routes.facets)),
        Route("/api/v1/top", answering(routes.top)),
        Route("/api/v1/nodes", answering(routes.nodes)),
        Route("/api/v1/rejects", answering(routes.rejects)),
        Route("/api/v1/proxies", answering(routes.proxies)),
        Route("/api/v1/health", answering(routes.health)),
        Route("/api/v1/status", answering(routes.status)),
    ]
