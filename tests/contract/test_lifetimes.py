"""The question `lifetime` over many days: it stops asking days once none can say more."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.contract.stores import STORES
from tests.contract.traffic import MIDNIGHT_US, MINUTE_US, MadeChain, MadeFlow, batch
from unmasq.base.clock import DAY_US
from unmasq.keep.shapes import Lifetime
from unmasq.model.address import parse_range
from unmasq.model.ingress import TimeSource

_DAY = 1440
_SLACK = 60
"""The longest interval, in minutes: a flow that began before midnight may go on for as long."""

_US = "198.51.100.1"
_ANOTHER = "198.51.100.2"


def _long(minute: int) -> MadeFlow:
    return MadeFlow(minute, chains=(MadeChain(at_us=_SLACK * MINUTE_US),))


minutes = st.integers(0, 14).flatmap(lambda day: st.sampled_from([0, 1, 700, _DAY - 1]).map(lambda minute: day * _DAY + minute))
flows = st.lists(
    st.builds(
        MadeFlow,
        minute=minutes,
        source=st.sampled_from([_US, _ANOTHER]),
        time_source=st.sampled_from([TimeSource.LINE, TimeSource.LINE, TimeSource.READ]),
        chains=st.sampled_from([0, 1, _SLACK]).map(lambda later: (MadeChain(at_us=later * MINUTE_US),)),
    ),
    max_size=15,
)


def _expected(made: Sequence[MadeFlow]) -> Lifetime:
    mine = [flow for flow in made if flow.source == _US]
    at = {flow: MIDNIGHT_US + flow.minute * MINUTE_US + flow.chains[0].at_us for flow in mine}
    firsts = [at[flow] for flow in mine if flow.time_source != TimeSource.READ]
    return Lifetime(min(firsts, default=None), max(at.values(), default=None))


@pytest.mark.parametrize("name", STORES)
@settings(max_examples=12, deadline=None)
@given(made=flows)
@example(made=[_long(_DAY - 1), MadeFlow(_DAY + 5), MadeFlow(9 * _DAY)])
@example(made=[MadeFlow(0), _long(9 * _DAY - 1), MadeFlow(9 * _DAY + 5)])
def test_no_day_that_could_say_more_is_left_out(name: str, made: list[MadeFlow]):
    assert MIDNIGHT_US % DAY_US == 0
    with STORES[name]([batch([flow], first_id=number) for number, flow in enumerate(made, 1)]) as store:
        assert store.lifetime(parse_range(_US)) == _expected(made)
