"""Whatever bytes a netlink socket gives, the reader ends, raises nothing and keeps its counts."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.observe.captures import CAPTURES, EVERYWHERE
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack
from unmasq.observe.netlink import Malformed, attributes, messages

MESSAGES = list(CAPTURES.values())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A captured message with bytes changed, cut, repeated or put in."""
    data = bytearray(draw(st.sampled_from(MESSAGES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["set", "cut", "insert", "repeat"])):
            case "set":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del data[at : at + draw(st.integers(1, 32))]
            case "insert":
                data[at:at] = draw(st.binary(max_size=8))
            case _:
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
    return bytes(data)


@given(mutated() | st.binary(max_size=400))
@example(b"")
def test_the_reader_takes_whatever_comes(datagram):
    parsed = conntrack.parse(datagram, 1, EVERYWHERE)
    batch = conntrack.batch(parsed.rows)
    assert len(batch) == len(parsed.rows)
    assert len(parsed.rows) + parsed.foreign + parsed.malformed <= len(datagram) // 16 + 1


@given(mutated() | st.binary(max_size=400), st.integers(0, 24))
def test_the_walker_raises_its_own_error_only(data, start):
    try:
        attributes(data, start)
        list(messages(data))
    except Malformed:
        pass


@given(st.lists(st.sampled_from(MESSAGES)), st.integers(1, 1 << 60))
def test_datagrams_read_together_are_the_same_as_one_by_one(datagrams, seen_us):
    together = conntrack.parse(b"".join(datagrams), seen_us, EVERYWHERE)
    apart = [conntrack.parse(datagram, seen_us, EVERYWHERE) for datagram in datagrams]
    assert together.rows == [row for parsed in apart for row in parsed.rows]
    assert together.foreign == sum(parsed.foreign for parsed in apart)
    assert isinstance(conntrack.batch(together.rows), ConnectionBatch)
