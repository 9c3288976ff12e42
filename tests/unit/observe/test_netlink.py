"""Netlink's framing, byte by byte."""

import struct

import pytest

from unmasq.observe.netlink import Malformed, attributes, dump_request, error_number, messages


def message(payload: bytes, kind: int = 20, sequence: int = 1) -> bytes:
    return struct.pack("=IHHII", 16 + len(payload), kind, 2, sequence, 0) + payload


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def test_messages_come_in_order_without_their_padding():
    found = list(messages(message(b"abc") + b"\0" + message(b"defg", 21)))
    assert [(one.kind, one.payload) for one in found] == [(20, b"abc"), (21, b"defg")]


@pytest.mark.parametrize("size", [0, 15, 17, 1 << 31])
def test_a_message_whose_length_lies_is_malformed(size):
    with pytest.raises(Malformed):
        list(messages(struct.pack("=IHHII", size, 20, 2, 1, 0)))


def test_a_message_cut_in_its_header_is_malformed():
    with pytest.raises(Malformed):
        list(messages(message(b"") + b"\0" * 8))


def test_attributes_lose_their_flags_and_padding():
    data = attribute(0x8001, b"nested") + attribute(0x4002, b"\1")
    assert attributes(data) == {1: b"nested", 2: b"\1"}
    assert attributes(b"head" + data, 4) == attributes(data)


@pytest.mark.parametrize("size", [0, 3, 9])
def test_an_attribute_whose_length_lies_is_malformed(size):
    with pytest.raises(Malformed):
        attributes(struct.pack("=HHI", size, 1, 0))


def test_less_than_a_header_at_the_end_is_padding():
    assert attributes(attribute(1, b"abcd") + b"\0\0\0") == {1: b"abcd"}


def test_a_request_is_a_message():
    (request,) = messages(dump_request(22, 5, b"12345678"))
    assert (request.kind, request.flags, request.sequence, request.payload) == (22, 0x301, 5, b"12345678")


def test_an_error_number_is_positive_and_needs_its_bytes():
    assert error_number(struct.pack("=i", -1)) == 1
    assert error_number(bytes(20)) == 0
    with pytest.raises(Malformed):
        error_number(b"\0\0")
