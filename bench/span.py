"""What an address was over some days: the address index against a plain scan of the tables that hold the same."""

import statistics
import time
from collections.abc import Callable, Iterator

from bench.figure import Figure
from bench.kept import fill
from bench.logs import Logs
from tests.truth.world import client
from unmasq.keep.duck import DuckStore
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter

DAYS = 4
_CLIENTS = {"a busy address": range(1, 30, 2), "a rare address": range(5001, 5030, 2), "an unknown address": range(9_000_001, 9_000_030, 2)}
"""Numbers of clients of the generated log, those with most requests first."""

_SCAN = """
SELECT sum(c.requests)::BIGINT, count(DISTINCT f.connection), min(c.first_us), max(c.last_us)
FROM {day}.chains c JOIN {day}.flows f ON f.flow = c.flow WHERE c.client_hi = $hi::UBIGINT AND c.client_lo = $lo::UBIGINT
"""


def figures(logs: Logs) -> Iterator[Figure]:
    """Medians by the clock on the wall, another address each time."""
    folder = logs.folder / "span"
    fill(folder, DAYS, logs.lines // DAYS)
    with DuckStore(folder, read_only=True) as store:
        flows = store.health().flows
        for what, numbers in _CLIENTS.items():
            addresses = [client(number) for number in numbers]
            ours = _milliseconds(lambda address: store.span(parse_range(address), FlowFilter()), addresses)
            scan = _milliseconds(lambda address: _scanned(store, address), addresses)
            told = f"scan of chains and flows for one role {scan:.1f} ms"
            yield Figure(f"{what} over {DAYS} days, {flows:,} flows", f"{ours:.1f} ms", told, f"{scan / ours:.2f}")


def _milliseconds(asked: Callable[[str], object], addresses: list[str]) -> float:
    taken = []
    for address in addresses:
        began = time.perf_counter()
        asked(address)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _scanned(store: DuckStore, address: str) -> list[tuple[object, ...]]:
    """The totals of a client without the index, one day after the other."""
    hi, lo = parse_range(address).first
    with store.view(FlowFilter()) as view:
        selects = [_SCAN.format(day=source.database) for source in view.sources]
        return [row for select in selects for row in view.ask(select, {"hi": hi, "lo": lo})]
