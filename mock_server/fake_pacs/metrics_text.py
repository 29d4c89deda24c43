"""What was counted, in Prometheus' text format; the only module that knows Prometheus' library."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from fake_pacs.metrics import BOUNDS, Durations, Tally


def text(tally: Tally) -> bytes:
    """All metrics, in the text format that every Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(_Told(tally))
    return generate_latest(registry)


class _Told(Collector):
    """A tally as Prometheus' library wants it."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        for family, counted in self._tally.counts.items():
            told = CounterMetricFamily(family.name, family.help, labels=family.labels)
            for labels, count in sorted(counted.items()):
                told.add_metric(labels, count)
            yield told
        what = "Time until the answer was ready to be sent."
        yield _histogram("fake_pacs_request_duration_seconds", what, self._tally.durations)
        what = "Time that apps took to answer, from the first byte sent."
        yield _histogram("fake_pacs_app_call_duration_seconds", what, self._tally.call_durations)
        in_flight = "Requests begun whose answer isn't out yet."
        yield GaugeMetricFamily("fake_pacs_requests_in_flight", in_flight, value=self._tally.in_flight)
        forgotten = "Exchanges that fell out of the journal."
        yield CounterMetricFamily("fake_pacs_journal_forgotten", forgotten, value=self._tally.forgotten)


def _histogram(name: str, what: str, durations_of: Mapping[str, Durations]) -> Metric:
    """Durations by operation."""
    told = HistogramMetricFamily(name, what, labels=("operation",))
    for operation, durations in sorted(durations_of.items()):
        bounds = [*map(str, BOUNDS), "+Inf"]
        buckets = list(zip(bounds, map(float, accumulate(durations.buckets)), strict=True))
        told.add_metric([operation], buckets, durations.total)
    return told
