"""What requests asked for, counted chain by chain."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unmasq.join.aggregate import aggregate
from unmasq.join.connections import Connections
from unmasq.join.lines import JoinedLines
from unmasq.join.shares import Shares
from unmasq.join.window import Closed
from unmasq.model.ingress import TEXTS

few = st.integers(0, 2)
requests = st.lists(st.tuples(few, few, few, few), min_size=1, max_size=12)


@given(requests)
def test_what_was_asked_is_counted_exactly_in_each_chain(some):
    port, headers, path, status = np.array(some).T
    lines = JoinedLines.filled(len(some), source_lo=1, source_port=port + 1, headers=headers, path=path, status=status)
    made = aggregate(Closed(lines, Shares.empty(), JoinedLines.empty(), Connections.empty()), 60)
    chain_of = made.chains.flow[made.asked.chain], made.chains.headers[made.asked.chain]
    ports = made.flows.source_port[chain_of[0]].astype("i8") - 1
    rows = zip(*(c.tolist() for c in (ports, chain_of[1], made.asked.path, made.asked.status)), strict=True)
    assert Counter(dict(zip(rows, made.asked.requests.tolist(), strict=True))) == Counter(some)
    assert len(made.asked) == len(set(some))
    assert not any(getattr(made.asked, name).any() for name in TEXTS if name not in ("path", "status"))
