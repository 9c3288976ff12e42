"""Messages of syslog: what a datagram holds, without the header that the sender put in front. Pure functions of bytes.

Both headers are taken: `<134>Nov 25 08:00:00 host haproxy[7]: text` (RFC 3164, mostly without a host) and
`<134>1 2026-11-25T08:00:00.123456Z host haproxy 7 - - text` (RFC 5424), and a message without any. The name of HAProxy stays in
front of the text: its lines are read with what it does to headers in mind.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from unmasq.base.clock import MICROSECONDS
from unmasq.model.ingress import Reject
from unmasq.read.formats.payload import MARKERS, OPENING

_ENDINGS = b"\n\r\0"
_PRIORITY = rb"<[0-9]{1,3}>"
_DATA = rb'(?:-|(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*+")*+\])+)'
_NEW = re.compile(_PRIORITY + rb"1 (\S+) \S+ (\S+) \S+ \S+ " + _DATA + rb"(?: |$)(?:\xef\xbb\xbf)?", re.DOTALL)
_OLD = re.compile(_PRIORITY + rb"(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:([0-9]{2}):([0-9]{2}) )?")
_HOST = rb"(?:[^\s:\[]+|[0-9A-Fa-f:.]*(?:[0-9A-Fa-f.]|::)) "  # `cafe:` is no address, but a tag
_TAG = re.compile(rb"(?:" + _HOST + rb")?([^\s:\[\]]{1,64})(?:\[[^\]\s]*\])?:(?: |$)")
_ZONE_SECONDS = 900  # every zone is a multiple of 15 minutes from UTC
_HAPROXY = b"haproxy"


class Message(NamedTuple):
    """The text of one message, the time that its header names (0: none), and TOO_LONG where the sender, or we, cut it."""

    text: bytes
    time_us: int
    reject: Reject


def messages(datagram: bytes, read_us: int, *, is_cut: bool = False) -> Iterator[Message]:
    """Every message of a datagram, one for each line; an empty datagram is an empty message. `is_cut`: its end did not fit."""
    *whole, last = datagram.rstrip(_ENDINGS).split(b"\n")
    for each in whole:
        yield _message(each.rstrip(_ENDINGS), read_us, is_cut=False)
    yield _message(last, read_us, is_cut=is_cut)


def _message(raw: bytes, read_us: int, *, is_cut: bool) -> Message:
    text, time_us = _new(raw) or _old(raw, read_us)
    return Message(text, time_us, Reject.TOO_LONG if is_cut or _lacks_its_end(text) else Reject.NONE)


def _new(raw: bytes) -> tuple[bytes, int] | None:
    """The text behind a header of RFC 5424, and its time."""
    match = _NEW.match(raw)
    if not match:
        return None
    return _named(match[2], raw[match.end() :]), _stamp_us(match[1])


def _old(raw: bytes, read_us: int) -> tuple[bytes, int]:
    """The text behind a header of RFC 3164, or behind none, and its time."""
    match = _OLD.match(raw)
    if not match:
        return raw, 0
    time_us = _minutes_us(int(match[1]), int(match[2]), read_us) if match[1] else 0
    rest = raw[match.end() :]
    tag = None if rest.startswith(MARKERS) else _TAG.match(rest)
    if tag is None:
        return rest, time_us
    begin = tag.start(1) if rest.startswith(MARKERS, tag.start(1)) else tag.end()  # a host, and a marker that looks like a tag
    return _named(tag[1], rest[begin:]), time_us


def _named(program: bytes, text: bytes) -> bytes:
    return b"%s: %s" % (program, text) if program == _HAPROXY else text


def _stamp_us(raw: bytes) -> int:
    """A time of RFC 5424; 0 for anything else, and where it names no zone."""
    try:
        time = datetime.fromisoformat(raw.decode("ascii", "replace"))
        return round(time.timestamp() * MICROSECONDS) if time.tzinfo else 0
    except (ValueError, OverflowError):
        return 0


def _minutes_us(minute: int, second: int, read_us: int) -> int:
    """A time of RFC 3164, which names neither year nor zone: of all that it can mean, the one next to the time of reading.

    It is cut to the second: the end of that second is meant, but nothing that is yet to come.
    """
    read = read_us // MICROSECONDS
    late = (read - minute * 60 - second) % _ZONE_SECONDS
    behind = read - late + (_ZONE_SECONDS if late > _ZONE_SECONDS // 2 else 0)
    return min(behind * MICROSECONDS + MICROSECONDS - 1, max(read_us, behind * MICROSECONDS))


def _lacks_its_end(text: bytes) -> bool:
    """Whether a payload has begun that does not end: senders cut what is longer than their limit."""
    return not text.rstrip().endswith(b"}") and any(marker + OPENING in text for marker in MARKERS)
