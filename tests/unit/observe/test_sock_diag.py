"""Messages about sockets that a kernel sent, and what became of each; and messages as other kernels would send them."""

import socket
import struct

import pytest

from tests.unit.observe.captures import EVERYWHERE, EXPECTED_SOCKETS, SEEN_US, SOCKETS, described
from unmasq.model.connection import ConnectionBatch, Witnessed
from unmasq.observe import sock_diag
from unmasq.observe.netlink import messages

CLOSED = SOCKETS["destroy-tcp4"]
INFO_AT = 16 + sock_diag.MESSAGE_BYTES + 8 + 4  # behind the protocol and the head of tcp_info


@pytest.mark.parametrize("name", SOCKETS)
def test_a_captured_message_gives_its_rows(name):
    parsed = sock_diag.parse(SOCKETS[name], SEEN_US, EVERYWHERE)
    assert described(sock_diag.batch(parsed.rows)) == EXPECTED_SOCKETS[name]
    assert (parsed.foreign, parsed.malformed) == (0, 0)


def test_every_capture_is_expected():
    assert SOCKETS.keys() == EXPECTED_SOCKETS.keys()


def test_a_batch_has_the_types_of_the_model_and_says_who_counted():
    batch = sock_diag.batch(sock_diag.parse(CLOSED, SEEN_US, EVERYWHERE).rows)
    assert {name: values.dtype for name, values in batch.as_dict().items()} == ConnectionBatch.dtypes()
    assert batch.witness.tolist() == [Witnessed.SOCKET]
    assert len(sock_diag.batch([])) == 0


def test_an_ipv4_address_of_an_ipv6_socket_is_the_mapped_one():
    batch = sock_diag.batch(sock_diag.parse(SOCKETS["destroy-mapped"], SEEN_US, EVERYWHERE).rows)
    assert (batch.orig_src_hi[0], batch.orig_src_lo[0]) == (0, 0xFFFF_C633_640A)


def test_a_socket_of_no_listener_gives_no_row():
    proxy = (0, 0xFFFF_0AF4_010A, 80)
    assert len(sock_diag.parse(CLOSED, SEEN_US, {proxy}).rows) == 1
    assert sock_diag.parse(CLOSED, SEEN_US, {(*proxy[:2], 81)}) == ([], 1, 0)


def test_a_socket_that_only_listens_gives_no_row():
    without_peer = CLOSED[:22] + bytes(2) + CLOSED[24:]
    assert sock_diag.parse(without_peer, SEEN_US, EVERYWHERE) == ([], 1, 0)


def test_a_kernel_without_the_counters_leaves_them_unknown():
    short = CLOSED[: INFO_AT - 4] + struct.pack("=HH", 4 + 104, 2) + CLOSED[INFO_AT : INFO_AT + 104]
    bare = CLOSED[: 16 + sock_diag.MESSAGE_BYTES]
    for message in (short, bare):
        (row,) = sock_diag.parse(resized(message), SEEN_US, EVERYWHERE).rows
        assert row[-4:] == (-1, -1, -1, -1)


def test_a_longer_tcp_info_of_a_newer_kernel_is_read_as_far_as_it_is_known():
    grown = CLOSED[: INFO_AT - 4] + struct.pack("=HH", 4 + 320, 2) + CLOSED[INFO_AT : INFO_AT + 280] + bytes(40)
    assert sock_diag.parse(resized(grown), SEEN_US, EVERYWHERE) == sock_diag.parse(CLOSED, SEEN_US, EVERYWHERE)


@pytest.mark.parametrize("change", [
    CLOSED[:INFO_AT + 120] + b"\xff" * 8 + CLOSED[INFO_AT + 128 :],  # a counter beyond 63 bits
    CLOSED[:16] + bytes([socket.AF_UNIX]) + CLOSED[17:],
    struct.pack("=I", 60) + CLOSED[4:60],
])  # fmt: skip
def test_what_is_none_is_malformed_and_does_not_hide_its_neighbours(change):
    rows = sock_diag.parse(CLOSED, SEEN_US, EVERYWHERE).rows
    assert sock_diag.parse(CLOSED + change + CLOSED, SEEN_US, EVERYWHERE) == (rows * 2, 0, 1)


def test_a_dump_is_asked_of_connected_sockets_of_one_family_with_counters():
    for family, ask in zip((socket.AF_INET, socket.AF_INET6), sock_diag.DUMP_REQUESTS, strict=True):
        (request,) = messages(ask(7))
        assert (request.kind, request.flags, request.sequence) == (20, 0x301, 7)
        assert request.payload == struct.pack("=BBBBI", family, 6, 2, 0, 0b101100110010) + bytes(48)


def resized(message: bytes) -> bytes:
    """The message with its length as it is now."""
    return struct.pack("=I", len(message)) + message[4:]
