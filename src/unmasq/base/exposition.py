"""Counters and gauges in the text format of Prometheus."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from unmasq.base.telemetry import Counters

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Gauges = Callable[[], Mapping[str, float]]
"""What is measured at the moment, by name."""

Counts = Callable[[Mapping[str, int]], Mapping[str, int]]
"""Counts of something, by kind, made of all counters as they are called in a status."""


class Metrics:
    """What a process counts as `unmasq_NAME_total`, by reason where it has one; what it measures as `unmasq_NAME`; what it uses.

    What an alert looks at is shown from the start, since a counter that first appears with a number in it has not grown:
    `begun` are such counters, and `lost` gives every kind of loss for `unmasq_lost_total`, also of what was never lost.
    """

    def __init__(
        self, counters: Counters, gauges: Gauges, begun: Iterable[tuple[str, str]] = (), lost: Counts = lambda _counters: {}
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Shown(counters, gauges, tuple(begun), lost))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of it, as it is now."""
        return generate_latest(self._registry)


class _Shown(Collector):
    def __init__(self, counters: Counters, gauges: Gauges, begun: Sequence[tuple[str, str]], lost: Counts) -> None:
        self._counters, self._gauges, self._begun, self._lost = counters, gauges, begun, lost

    def collect(self) -> Iterator[Metric]:
        yield from self._counted()
        family = CounterMetricFamily("unmasq_lost", "what was lost on its way, by kind", labels=["kind"])
        for kind, count in self._lost(self._counters.told()).items():
            family.add_metric([kind], count)
        if family.samples:
            yield family
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"unmasq_{name}", name, value=value)

    def _counted(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily] = {}
        rows = {(name, reason): count for name, reason, count in self._counters.rows()}
        for (name, reason), count in sorted((dict.fromkeys(self._begun, 0) | rows).items()):
            family = families.setdefault(name, CounterMetricFamily(f"unmasq_{name}", f"{name}, as unmasq doctor tells", labels=["reason"]))
            family.add_metric([reason], count)
        yield from families.values()
