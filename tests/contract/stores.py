"""Every store, ready to be asked: NAME -> a context that gives a store which holds the batches."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from unmasq.base.clock import ManualClock
from unmasq.keep.day.ageing import close_days
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.keep.protocol import Store
from unmasq.model.flowbatch import FlowBatch
from unmasq.unwind.trust import TrustList, entry

NOW_US = 1_800_000_000_000_000
TRUSTED = [entry("edge", "203.0.113.0/24"), entry("inner", "10.0.0.0/24"), entry("cdn", "2001:db8:cd::/48", "cf-connecting-ip")]
TRUST = TrustList(TRUSTED, 1)
"""The list that every store here has as its version 1."""

Batches = Sequence[FlowBatch]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        with DuckStore(Path(folder)) as store:
            store.control.trust_add(TRUSTED, NOW_US)
        yield Path(folder)


@contextmanager
def at_rest(batches: Batches) -> Iterator[Store]:
    with _folder() as folder:
        with DuckStore(folder) as store:
            for batch in batches:
                store.append(batch)
        with DuckStore(folder, read_only=True) as store:
            yield store


@contextmanager
def owned(batches: Batches) -> Iterator[Store]:
    with _folder() as folder, DuckStore(folder) as store:
        for batch in batches:
            store.append(batch)
        yield store


@contextmanager
def waiting(batches: Batches) -> Iterator[Store]:
    with _folder() as folder, DuckStore(folder) as store:
        live = LiveStore(store, ManualClock(NOW_US))
        for batch in batches:
            live.append(batch)
        yield live


@contextmanager
def half_written(batches: Batches) -> Iterator[Store]:
    """The first half on disk, a closed day's index sorted, the rest waiting."""
    with _folder() as folder, DuckStore(folder) as store:
        live = LiveStore(store, ManualClock(NOW_US))
        for batch in batches[: (len(batches) + 1) // 2]:
            live.append(batch)
        live.flush()
        list(close_days(store))
        for batch in batches[(len(batches) + 1) // 2 :]:
            live.append(batch)
        yield live


STORES: dict[str, Callable[[Batches], AbstractContextManager[Store]]] = {
    "at rest": at_rest,
    "owned": owned,
    "waiting": waiting,
    "half written": half_written,
}
