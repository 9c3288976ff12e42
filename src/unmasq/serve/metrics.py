"""Counters and gauges in the text form of Prometheus, and the small app of a process that answers nothing else."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from unmasq.base.telemetry import Counters

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Gauges = Callable[[], Mapping[str, float]]
"""What is measured at the moment, by name."""


class Metrics:
    """Everything that a process counts, as `unmasq_NAME_total`, by reason where it has one; and what it measures."""

    def __init__(self, counters: Counters, gauges: Gauges) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Counted(counters, gauges))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of it, as it is now."""
        return generate_latest(self._registry)


class _Counted(Collector):
    def __init__(self, counters: Counters, gauges: Gauges) -> None:
        self._counters, self._gauges = counters, gauges

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        families: dict[str, CounterMetricFamily] = {}
        for name, reason, count in self._counters.rows():
            family = families.setdefault(name, CounterMetricFamily(f"unmasq_{name}", f"{name}, as unmasq doctor tells", labels=["reason"]))
            family.add_metric([reason], count)
        yield from families.values()
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"unmasq_{name}", name, value=value)


def metrics_app(metrics: Metrics) -> Starlette:
    """`/metrics` and `/healthz`."""
    return Starlette(routes=[Route("/metrics", endpoint(metrics)), Route("/healthz", _well)])


def endpoint(metrics: Metrics) -> Callable[[Request], Response]:
    """The endpoint of `/metrics`."""
    return lambda _request: Response(metrics.text(), media_type=MEDIA_TYPE)


def _well(_request: Request) -> Response:
    return PlainTextResponse("ok\n")
