"""Whatever bytes the socket of sock_diag gives, the reader ends, raises nothing and keeps its counts."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.kernel import sockets
from tests.property.mutation import mutated
from tests.unit.observe.captures import EVERYWHERE, SOCKETS
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import sock_diag

MESSAGES = list(SOCKETS.values())


@given(mutated(MESSAGES) | st.binary(max_size=500))
@example(b"")
def test_the_reader_takes_whatever_comes(datagram):
    sockets(datagram)


@given(st.lists(st.sampled_from(MESSAGES)), st.integers(1, 1 << 60))
def test_datagrams_read_together_are_the_same_as_one_by_one(datagrams, seen_us):
    together = sock_diag.parse(b"".join(datagrams), seen_us, EVERYWHERE)
    apart = [sock_diag.parse(datagram, seen_us, EVERYWHERE) for datagram in datagrams]
    assert together.rows == [row for parsed in apart for row in parsed.rows]
    assert isinstance(sock_diag.batch(together.rows), ConnectionBatch)
