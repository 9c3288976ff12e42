"""Counters and gauges in the text format of Prometheus."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from unmasq.base.telemetry import Counters

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Shown(Collector):
    def __init__(self, counters: Counters, gauges: Mapping[str, float]) -> None:
        self._counters, self._gauges = counters, gauges

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        for name, reason, count in self._counters.rows():
            family = families.setdefault(name, CounterMetricFamily(f"unmasq_{name}", name.replace("_", " "), labels=["reason"]))
            family.add_metric([reason], count)
        yield from families.values()
        for name, value in self._gauges.items():
            yield GaugeMetricFamily(f"unmasq_{name}", name.replace("_", " "), value)


def exposition(counters: Counters, gauges: Mapping[str, float]) -> bytes:
    """`unmasq_NAME_total{reason="..."}` for each count, `unmasq_NAME` for each gauge."""
    registry = CollectorRegistry()
    registry.register(_Shown(counters, gauges))
    return generate_latest(registry)
