"""Lines that came before a proxy was trusted are judged again as if they had come after."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.truth.log import generate
from tests.truth.traffic import Shape
from tests.truth.world import TRUST
from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.duck import DuckStore
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Flow
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.node.once import read_once
from unmasq.unwind.trust import entry

NOW_US = 1_795_300_000_000_000
entries = st.lists(
    st.builds(entry, st.just("ours"), st.sampled_from(TRUST), st.sampled_from(["x-forwarded-for", "x-forwarded-for", "x-real-ip"])),
    unique=True,
)
shapes = st.builds(Shape, damaged=st.sampled_from([0.002, 0.3]), attacks=st.sampled_from([0.03, 0.5]), is_extended=st.booleans(),
                   has_realip=st.booleans(), lines_per_second=st.sampled_from([1.0, 50.0]), pool=st.just(20))  # fmt: skip


@contextmanager
def a_store() -> Iterator[DuckStore]:
    with tempfile.TemporaryDirectory() as folder, DuckStore(Path(folder)) as store:
        yield store


def ingest(store: DuckStore, data: bytes) -> None:
    """The whole path, as `unmasq run --once`."""
    around = Surroundings("node-1", store.control.trust_list())
    desk = Desk(WindowSettings(), Counters(), lambda: around, witnessed=False, began_us=NOW_US)
    read_once([Chunk(FileIdentity(1, 1, "log"), "log", 0, data)], desk, store.append, NOW_US)


def told(store: DuckStore) -> list[Flow]:
    """All documents but for what is minted anew each time: ids."""
    found = [structs.replace(flow, unmasq=structs.replace(flow.unmasq, id="")) for flow in store.flows(FlowFilter(), 10_000).flows]
    return sorted(found, key=lambda flow: (flow.start_time, flow.source_ip or "", flow.source_port or 0, repr(flow)))


def index(store: DuckStore) -> Sequence[tuple[object, ...]]:
    with store.view(FlowFilter()) as view:
        rows = view.union("SELECT hi, lo, roles, requests FROM day.addresses")
        return view.ask(f"SELECT hi, lo, roles, count(*), sum(requests) FROM ({rows}) GROUP BY ALL ORDER BY ALL")


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), shape=shapes, before=entries, after=entries)
def test_ingest_then_trust_then_rejudge_is_ingest_with_trust(seed, shape, before, after):
    data = generate(seed, 300, shape).data
    with a_store() as early, a_store() as late:
        for store in (early, late):
            store.control.trust_add(before, NOW_US)
        early.control.trust_add(after, NOW_US)
        ingest(early, data)
        ingest(late, data)
        late.control.trust_add(after, NOW_US)
        assert sum(progress.flows for progress in rejudge(late)) in (0, len(told(late)))
        assert late.control.trust_version == early.control.trust_version
        assert told(late) == told(early)
        assert index(late) == index(early)
