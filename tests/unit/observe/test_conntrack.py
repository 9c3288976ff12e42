"""Messages that a kernel sent, and what became of each; and messages as older or stranger kernels would send them."""

import struct

import numpy as np
import pytest

from tests.unit.observe.captures import CAPTURES, EVERYWHERE, EXPECTED, SEEN_US, described
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack
from unmasq.observe.netlink import messages

NEW = CAPTURES["new-tcp4-masquerade"]


@pytest.mark.parametrize("name", CAPTURES)
def test_a_captured_message_gives_its_rows(name):
    parsed = conntrack.parse(CAPTURES[name], SEEN_US, EVERYWHERE)
    assert described(conntrack.batch(parsed.rows)) == EXPECTED[name]["rows"]
    assert (parsed.foreign, parsed.malformed) == (EXPECTED[name]["portless"], 0)


def test_every_capture_is_expected():
    assert CAPTURES.keys() == EXPECTED.keys()


def test_a_batch_has_the_types_of_the_model():
    batch = conntrack.batch(conntrack.parse(NEW, SEEN_US, EVERYWHERE).rows)
    assert {name: values.dtype for name, values in batch.as_dict().items()} == ConnectionBatch.dtypes()
    assert batch.seen_us.tolist() == [SEEN_US]
    assert len(conntrack.batch([])) == 0


def test_a_new_connection_of_a_kernel_without_event_stamps_starts_when_it_is_seen():
    (row,) = conntrack.parse(without(NEW, 27), SEEN_US, EVERYWHERE).rows
    assert conntrack.batch([row]).start_us.tolist() == [SEEN_US]


@pytest.mark.parametrize(("state", "stop_us"), [(2, 0), (3, 0), (4, 0), (5, 0), (6, SEEN_US), (7, SEEN_US), (8, SEEN_US), (9, 0)])
def test_a_dumped_entry_has_ended_once_both_sides_are_done(state, stop_us):
    data = bytearray(CAPTURES["dump-ended-masquerade"])
    at = data.index(struct.pack("=HHB", 5, 1, 7))  # CTA_PROTOINFO_TCP_STATE: TIME_WAIT
    data[at + 4] = state
    batch = conntrack.batch(conntrack.parse(bytes(data), SEEN_US, EVERYWHERE).rows)
    assert batch.stop_us.tolist() == [stop_us]


@pytest.mark.parametrize("kind", [1, 2, 12])  # the two tuples and the id
def test_a_message_that_lacks_what_names_a_connection_is_malformed(kind):
    assert conntrack.parse(without(NEW, kind), SEEN_US, EVERYWHERE) == ([], 0, 1)


def test_one_malformed_message_does_not_hide_its_neighbours():
    assert conntrack.parse(NEW + without(NEW, 2) + NEW, SEEN_US, EVERYWHERE) == (conntrack.parse(NEW, SEEN_US, EVERYWHERE).rows * 2, 0, 1)


def test_a_counter_beyond_63_bits_is_malformed():
    data = CAPTURES["destroy-udp4"]
    bytes_orig = struct.pack("!Q", 29)
    assert bytes_orig in data
    assert conntrack.parse(data.replace(bytes_orig, b"\xff" * 8), SEEN_US, EVERYWHERE) == ([], 0, 1)


def test_an_ipv4_address_is_the_mapped_one():
    batch = conntrack.batch(conntrack.parse(NEW, SEEN_US, EVERYWHERE).rows)
    assert (batch.orig_src_hi[0], batch.orig_src_lo[0]) == (0, 0xFFFF_C633_640A)
    assert batch.orig_src_lo.dtype == np.dtype("u8")


def test_an_entry_of_no_listener_gives_no_row():
    proxy = (0, 0xFFFF_0AF4_010A, 80)
    assert len(conntrack.parse(NEW, SEEN_US, {proxy}).rows) == 1
    assert conntrack.parse(NEW, SEEN_US, {(*proxy[:2], 81)}) == ([], 1, 0)


def test_a_dump_is_asked_of_both_families():
    (request,) = messages(conntrack.dump_request(7))
    assert (request.kind, request.flags, request.sequence, request.payload) == (0x101, 0x301, 7, bytes(4))


def without(datagram: bytes, kind: int) -> bytes:
    """The message of a datagram without its top-level attribute of this type."""
    kept, at = b"", 20
    while at < len(datagram):
        size, found = struct.unpack_from("=HH", datagram, at)
        padded = (size + 3) & ~3
        kept += b"" if found & 0x3FFF == kind else datagram[at : at + padded]
        at += padded
    return struct.pack("=I", 20 + len(kept)) + datagram[4:20] + kept
