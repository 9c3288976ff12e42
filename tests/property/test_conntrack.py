"""Whatever bytes a netlink socket gives, the reader ends, raises nothing and keeps its counts."""

from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.property.mutation import mutated
from tests.unit.observe.captures import CAPTURES, EVERYWHERE, SEEN_US
from unmasq.base.telemetry import Counters
from unmasq.model.address import NONE
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack
from unmasq.observe.intake import Intake
from unmasq.observe.listeners import Listener, Listeners
from unmasq.observe.netlink import Malformed, messages, places, split
from unmasq.observe.template import learn

MESSAGES = list(CAPTURES.values())


@given(mutated(MESSAGES) | st.binary(max_size=400))
@example(b"")
def test_the_reader_takes_whatever_comes(datagram):
    parsed = conntrack.parse(datagram, 1, EVERYWHERE)
    batch = conntrack.batch(parsed.rows)
    assert len(batch) == len(parsed.rows)
    assert len(parsed.rows) + parsed.foreign + parsed.malformed <= len(datagram) // 16 + 1


@given(mutated(MESSAGES) | st.binary(max_size=400), st.integers(0, 24))
def test_the_walker_stays_within_its_bytes_and_raises_its_own_error_only(data, start):
    with suppress(Malformed):
        assert all(start <= first and first + size <= len(data) for _, first, size in places(data, start))
    whole, is_whole = split(data)
    assert sum(map(len, whole)) <= len(data)
    assert is_refused(data) == (not is_whole)


@given(st.lists(st.sampled_from(MESSAGES)), st.integers(1, 1 << 60))
def test_datagrams_read_together_are_the_same_as_one_by_one(datagrams, seen_us):
    together = conntrack.parse(b"".join(datagrams), seen_us, EVERYWHERE)
    apart = [conntrack.parse(datagram, seen_us, EVERYWHERE) for datagram in datagrams]
    assert together.rows == [row for parsed in apart for row in parsed.rows]
    assert together.foreign == sum(parsed.foreign for parsed in apart)
    assert isinstance(conntrack.batch(together.rows), ConnectionBatch)


def renumbered(message: bytes, number: int) -> bytes:
    """The message with another id: bytes that no layout depends on."""
    at = message.find(b"\x08\x00\x0c\x00")
    return message if at < 0 else message[: at + 4] + number.to_bytes(4, "big") + message[at + 8 :]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(MESSAGES) | mutated(MESSAGES) | st.binary(max_size=400), max_size=12), st.sampled_from([0, 1, 3]))
def test_the_fast_path_says_what_the_plain_one_says(datagrams, few):
    many = [renumbered(datagram, number) for number in range(3) for datagram in datagrams]
    counted = Counters(), Counters()
    fast, plain = (Intake(counters, known(counters), few) for counters, few in zip(counted, (few, 1 << 30), strict=True))
    found, expected = fast.take(many, SEEN_US), plain.take(many, SEEN_US)
    assert {name: column.tolist() for name, column in found.as_dict().items()} == {
        name: column.tolist() for name, column in expected.as_dict().items()
    }
    assert list(counted[0].rows()) == list(counted[1].rows())


def test_a_counter_beyond_63_bits_is_malformed_on_both_paths():
    message = CAPTURES["destroy-tcp4-masquerade"]
    at = message.find(b"\x0c\x00\x01\x00")  # CTA_COUNTERS_PACKETS
    beyond = message[: at + 4] + b"\xff" + message[at + 5 :]
    counters = Counters()
    assert len(Intake(counters, known(counters), 0).take([message, beyond], SEEN_US)) == 1
    assert counters.of("conntrack_malformed") == 1


def is_refused(datagram: bytes) -> bool:
    try:
        list(messages(datagram))
    except Malformed:
        return True
    return False


def known(counters: Counters) -> Listeners:
    return Listeners(counters, [Listener(*NONE, 80)])


def test_every_captured_entry_teaches_a_layout():
    taught = {name for name, message in CAPTURES.items() if learn(split(message)[0][0])}
    assert taught == CAPTURES.keys() - {"new-icmp4", "update"}
