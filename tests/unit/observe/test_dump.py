"""A dump from the kernel's side of the socket: a datagram pair on which the test is the kernel."""

import socket
import struct

import pytest

from unmasq.base.errors import KernelError
from unmasq.observe import netlink
from unmasq.observe.dump import Dump

ENTRY, DONE, ERROR = 0x100, netlink.NLMSG_DONE, netlink.NLMSG_ERROR


@pytest.fixture
def pair():
    ours, kernel = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, kernel:
        yield ours, kernel


def message(kind: int, payload: bytes = bytes(4), *, sequence: int = 3, flags: int = netlink.NLM_F_MULTI) -> bytes:
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload


def answer(pair, *datagrams: bytes) -> Dump:
    ours, kernel = pair
    for datagram in datagrams:
        kernel.send(datagram)
    return Dump(ours, netlink.dump_request(ENTRY, 3, b""), "the table")


def test_parts_come_until_the_kernel_is_done(pair):
    dump = answer(pair, message(ENTRY), message(ENTRY) + message(DONE), message(ENTRY))
    assert list(dump) == [message(ENTRY), message(ENTRY) + message(DONE)]
    assert not dump.interrupted
    assert pair[1].recv(100) == netlink.dump_request(ENTRY, 3, b"")


def test_the_answer_to_an_older_request_is_passed_over(pair):
    old = message(ENTRY, sequence=2), message(DONE, sequence=2)
    assert list(answer(pair, *old, message(ENTRY), message(DONE))) == [message(ENTRY), message(DONE)]


@pytest.mark.parametrize("kind", [ENTRY, DONE])
def test_an_interruption_is_noticed_wherever_the_kernel_says_so(pair, kind):
    marked = {ENTRY: message(ENTRY), DONE: message(DONE)}
    marked[kind] = message(kind, flags=netlink.NLM_F_MULTI | netlink.NLM_F_DUMP_INTR)
    dump = answer(pair, *marked.values())
    assert len(list(dump)) == 2
    assert dump.interrupted


@pytest.mark.parametrize("kind", [ERROR, DONE])
def test_a_refusal_is_an_error_that_says_why_and_what_next(pair, kind):
    with pytest.raises(KernelError) as caught:
        list(answer(pair, message(kind, struct.pack("=i", -1))))
    assert "does not give the table" in caught.value.what
    assert "Operation not permitted" in caught.value.why
    assert "CAP_NET_ADMIN" in caught.value.next_step


def test_what_is_no_netlink_is_an_error_too(pair):
    with pytest.raises(KernelError, match="does not give the table"):
        list(answer(pair, b"what is this?"))
