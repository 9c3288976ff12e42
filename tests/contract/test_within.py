"""What a store holds of a window, node by node: of whom it has something, of whom it had something, and what is wrong with it."""

import pytest

from tests.contract.stores import TRUST
from tests.contract.test_questions import every_store
from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeChain, MadeFlow, batch
from unmasq.base.clock import DAY_US
from unmasq.keep.ask.within import LOOK_BACK_US
from unmasq.keep.day.file import file_of
from unmasq.keep.duck import DuckStore
from unmasq.keep.shapes import NodeWithin, Within
from unmasq.model.flowbatch import Rejected
from unmasq.model.ingress import Reject

TODAY = MIDNIGHT_US // DAY_US
NOON_US = MIDNIGHT_US + DAY_US // 2


def flow(minute: int) -> MadeFlow:
    return MadeFlow(minute=minute, chains=(MadeChain(requests=3),))


def nodes(kept, since_us: int | None, until_us: int) -> dict[str, NodeWithin]:
    found: Within = kept.within(since_us, until_us)
    return found.nodes


@every_store
def test_each_node_has_what_it_sent_in_the_window_and_its_newest_flow_before_the_end(store):
    yesterday, today = MIDNIGHT_US - 2 * MINUTE_US, MIDNIGHT_US + 2 * MINUTE_US
    with store([batch([flow(-2)]), batch([flow(2)], node="node-2", first_id=2)]) as kept:
        everything = {"node-1": NodeWithin(1, 3, 3, yesterday), "node-2": NodeWithin(1, 3, 3, today)}
        assert nodes(kept, None, NOON_US) == everything
        assert nodes(kept, MIDNIGHT_US - DAY_US, NOON_US) == everything
        assert nodes(kept, MIDNIGHT_US, NOON_US) == everything | {"node-1": NodeWithin(0, 0, 0, yesterday)}
        assert nodes(kept, MIDNIGHT_US - DAY_US, MIDNIGHT_US)["node-1"] == NodeWithin(1, 3, 3, yesterday)
        assert nodes(kept, MIDNIGHT_US - DAY_US, MIDNIGHT_US).get("node-2", NodeWithin(0, 0, 0, None)) == NodeWithin(0, 0, 0, None)


@every_store
def test_a_node_that_is_silent_for_a_week_is_not_looked_for(store):
    with store([batch([flow(-2)])]) as kept:
        assert "node-1" in nodes(kept, MIDNIGHT_US + LOOK_BACK_US - DAY_US, MIDNIGHT_US + LOOK_BACK_US - DAY_US // 2)
        assert nodes(kept, MIDNIGHT_US + LOOK_BACK_US + DAY_US, MIDNIGHT_US + LOOK_BACK_US + 2 * DAY_US).get("node-1") in (
            None,
            NodeWithin(0, 0, 0, MIDNIGHT_US - 2 * MINUTE_US),  # a store that waits to be written is looked at as a whole
        )


@every_store
def test_flows_that_an_older_list_judged_are_those_of_the_window(store):
    with store([batch([flow(-2), flow(2)], None), batch([flow(3)], TRUST, node="node-2", first_id=3)]) as kept:
        assert kept.within(None, NOON_US).judged_by_older == 2
        assert kept.within(MIDNIGHT_US, NOON_US).judged_by_older == 1
        assert kept.within(MIDNIGHT_US + 10 * MINUTE_US, NOON_US).judged_by_older == 0


@pytest.mark.parametrize(("since_us", "rejects"), [(None, {"injected": 4}), (MIDNIGHT_US, {"injected": 3})])
def test_rejects_are_those_of_the_days_that_the_window_touches(tmp_path, since_us, rejects):
    rejected = [Rejected(TODAY - 1, int(Reject.INJECTED), 1, "a"), Rejected(TODAY, int(Reject.INJECTED), 3, "b")]
    with DuckStore(tmp_path) as store:
        store.append(batch([flow(-2), flow(2)], rejected=rejected))
        assert store.within(since_us, NOON_US).rejects == rejects


def test_a_day_that_cannot_be_read_is_told_where_the_window_touches_it(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch([flow(-2), flow(2)]))
    (tmp_path / file_of(TODAY - 1)).write_bytes(b"no database " * 1000)
    with DuckStore(tmp_path, read_only=True) as store:
        assert store.within(MIDNIGHT_US + DAY_US, MIDNIGHT_US + 2 * DAY_US).unreadable == {}
        found = store.within(MIDNIGHT_US - DAY_US, NOON_US)
        assert (list(found.nodes), list(found.unreadable)) == (["node-1"], [file_of(TODAY - 1)])


def test_a_day_that_was_set_aside_is_told_as_well(tmp_path):
    with DuckStore(tmp_path) as store:
        store.append(batch([flow(-2), flow(2)]))
    (tmp_path / file_of(TODAY)).write_bytes(b"no database " * 1000)
    with DuckStore(tmp_path) as store:
        store.append(batch([flow(3)], first_id=3))
        assert list(store.within(None, NOON_US).unreadable) == [f"{file_of(TODAY)}.damaged"]
        assert store.within(None, MIDNIGHT_US - DAY_US).unreadable == {}
