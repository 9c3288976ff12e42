"""Counters and gauges in the text format of Prometheus."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from unmasq.base.telemetry import Counters

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Gauges = Callable[[], Mapping[str, float]]
"""What is measured at the moment, by name."""


class Metrics:
    """What a process counts as `unmasq_NAME_total`, by reason where it has one; what it measures as `unmasq_NAME`; what it uses."""

    def __init__(self, counters: Counters, gauges: Gauges) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Shown(counters, gauges))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of it, as it is now."""
        return generate_latest(self._registry)


class _Shown(Collector):
    def __init__(self, counters: Counters, gauges: Gauges) -> None:
        self._counters, self._gauges = counters, gauges

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        for name, reason, count in self._counters.rows():
            family = families.setdefault(name, CounterMetricFamily(f"unmasq_{name}", f"{name}, as unmasq doctor tells", labels=["reason"]))
            family.add_metric([reason], count)
        yield from families.values()
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"unmasq_{name}", name, value=value)
