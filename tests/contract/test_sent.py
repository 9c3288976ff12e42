"""Whatever batch is taken over the wire can be stored, shown, searched and judged again: no sender can hurt a store."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings

from tests.contract.test_questions import everything
from tests.contract.traffic import MadeChain, MadeFlow, batch
from unmasq.base.errors import BatchRefused
from unmasq.keep.day.ageing import close_days
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.duck import DuckStore
from unmasq.model import wire
from unmasq.model.address import parse_range
from unmasq.model.filter import FlowFilter
from unmasq.model.flaws import flaw_of
from unmasq.model.flowbatch import FlowBatch
from unmasq.unwind.trust import entry

HEADERS = ((("x-forwarded-for", "192.0.2.1, 203.0.113.7"),), (("x-real-ip", "192.0.2.2"),))
SMALL = batch([MadeFlow(minute=n, port=n, chains=tuple(MadeChain(h, hosts=("a",), statuses=("200",)) for h in HEADERS)) for n in (-1, 1)])
PLAIN = zstandard.decompress(wire.encode(SMALL))
EDGES = [0, 1, -1, 255, 1 << 31, (1 << 40), (1 << 60), (1 << 63) - 1, -(1 << 63), 253_402_300_799_999_999, -(1 << 55)]


@settings(max_examples=60)
@given(st.data())
def test_a_batch_that_is_taken_does_no_harm(data):
    hostile = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(hostile) - 9))
        value = np.array([data.draw(st.sampled_from(EDGES))], "i8").tobytes()
        size = data.draw(st.sampled_from([1, 2, 8]))
        hostile[at : at + size] = value[:size]
    try:
        taken = wire.decode(zstandard.compress(bytes(hostile)))
    except BatchRefused:
        return
    bear(taken)


@pytest.mark.parametrize("edge", EDGES)
def test_every_column_may_be_as_far_out_as_it_is_taken(edge):
    taken = SMALL
    for name in ("flows", "chains", "asked", "addresses", "lines"):
        for column, dtype in getattr(taken, name).dtypes().items():
            far = np.full(len(getattr(taken, name)), np.array([edge], "i8").astype(dtype)[0])
            changed = replace(taken, **{name: replace(getattr(taken, name), **{column: far})})
            taken = taken if flaw_of(changed) else changed
    bear(wire.decode(wire.encode(taken)))


def bear(taken: FlowBatch) -> None:
    """Do everything with it that a server does."""
    with TemporaryDirectory() as folder, DuckStore(Path(folder)) as store:
        store.append(taken)
        store.control.trust_add([entry("edge", "203.0.113.0/24")], 1)
        list(rejudge(store))
        list(close_days(store))
        assert len(everything(store)) == len(taken)
        store.span(parse_range("::/0"), FlowFilter())
        store.chains(parse_range("0.0.0.0/0"), FlowFilter())
        store.clients(parse_range("::/0"), FlowFilter())
        store.health()
        store.covered()
