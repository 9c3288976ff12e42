"""Where translated connections arrive is learned from flows, within a bound, and known again after a restart."""

import pytest

from tests.contract.traffic import MIDNIGHT_US, MadeFlow, batch
from unmasq.base.clock import DAY_US
from unmasq.keep.duck import DuckStore
from unmasq.keep.remote.ends import Ends, ends_of
from unmasq.model.flowbatch import Flag, FlowColumns, Join


def flows(*ends: tuple[str, int], **more) -> FlowColumns:
    return batch([MadeFlow(dest=dest, dest_port=port, **more) for dest, port in ends]).flows


def known(ends: Ends) -> list[str]:
    return [one.text for one in ends.known]


def test_each_end_is_known_once():
    ends = Ends()
    ends.learn(flows(("10.244.1.10", 80), ("10.244.1.10", 80), ("2001:db8::10", 443)))
    before = ends.known
    ends.learn(flows(("10.244.1.10", 80)))
    assert ends.known is before
    assert known(ends) == ["10.244.1.10:80", "[2001:db8::10]:443"]


@pytest.mark.parametrize("end", [("", 80), ("10.244.1.10", 0)])
def test_a_line_that_does_not_tell_its_own_end_teaches_nothing(end):
    ends = Ends()
    ends.learn(flows(end))
    ends.learn(FlowColumns.empty())
    assert known(ends) == []


def test_a_line_without_a_connection_teaches_nothing():
    """It may name any destination: a thousand of them would drive out those where connections do arrive."""
    ends = Ends(most=2)
    ends.learn(flows(("10.244.1.10", 80)))
    ends.learn(flows(*((f"10.244.2.{last}", 53) for last in range(9)), join=Join.UNWITNESSED, flags=Flag.SNAT_ELSEWHERE))
    assert known(ends) == ["10.244.1.10:80"]


def test_beyond_the_bound_those_go_that_were_met_longest_ago():
    ends = Ends(most=2)
    assert [ends.learn(flows((f"10.244.1.{last}", 80))) for last in (1, 2, 1, 3)] == [0, 0, 0, 1]
    assert known(ends) == ["10.244.1.1:80", "10.244.1.3:80"]
    assert ends.learn(flows(*((f"10.244.2.{last}", 80) for last in range(9)))) == 9
    assert len(known(ends)) == 2


def test_stored_flows_teach_only_if_somebody_else_translated_their_source(tmp_path):
    made = [
        MadeFlow(dest="10.244.1.1", flags=Flag.SNAT_ELSEWHERE),
        MadeFlow(dest="10.244.1.2", join=Join.REMOTE_NAT, nat="192.0.2.1"),
        MadeFlow(dest="10.244.1.3", join=Join.NAT, nat="192.0.2.1"),
        MadeFlow(dest="10.244.1.4"),
        MadeFlow(dest="10.244.1.5", flags=Flag.SNAT_ELSEWHERE, join=Join.UNWITNESSED),
        MadeFlow(dest="10.244.1.6", join=Join.PARTIAL, nat="192.0.2.1"),  # completed, or translated there: who could tell
        MadeFlow(dest="10.244.1.7", join=Join.PARTIAL),
    ]
    ends = Ends()
    with DuckStore(tmp_path) as store:
        store.append(batch(made))
        ends.learn(ends_of(store, MIDNIGHT_US // DAY_US))
        assert len(ends_of(store, MIDNIGHT_US // DAY_US)) == 3
        ends.learn(ends_of(store, 0))
    assert known(ends) == ["10.244.1.1:80", "10.244.1.2:80", "10.244.1.6:80"]
