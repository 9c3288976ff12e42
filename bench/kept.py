"""A store that many days filled: the same traffic on each of them, by other clients here and there."""

from pathlib import Path

from bench.path_work import AROUND
from tests.truth.log import generate
from tests.truth.traffic import Shape
from tests.truth.world import TRUST
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.keep.day.ageing import close_days
from unmasq.keep.duck import DuckStore
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.desk import Desk
from unmasq.node.once import read_once
from unmasq.unwind.trust import entry

_SEED = 3
_NOW_US = 1_795_900_000_000_000
_MONTH = b"Oct"


def fill(folder: Path, days: int, lines_per_day: int) -> None:
    """Lines of as many days of one month, at most 30, closed as a day is that is over."""
    shape = Shape(pool=max(1000, lines_per_day // 4), lines_per_second=lines_per_day / 80_000)
    log = generate(_SEED, lines_per_day, shape).data
    with DuckStore(folder) as store:
        store.control.trust_add([entry(f"edge-{at}", text) for at, text in enumerate(TRUST)], _NOW_US)
        for day in range(1, days + 1):
            data = log.replace(b"[21/Nov/", b"[%02d/%s/" % (day, _MONTH)).replace(b"[22/Nov/", b"[%02d/%s/" % (day, _MONTH))
            desk = Desk(WindowSettings(), Counters(), lambda: AROUND, witnessed=False, began_us=0)
            read_once([Chunk(FileIdentity(1, day, "bench"), "log", 0, data)], desk, store.append, _NOW_US)
        for _ in close_days(store):
            pass
