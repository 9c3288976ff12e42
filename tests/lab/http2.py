"""Just enough HTTP/2 without TLS to send many requests at once on one connection (RFC 9113, RFC 7541).

Header fields go out as literals that no table remembers, so any bytes can be sent.
"""

from collections.abc import Iterable, Sequence

from .client import Connection, Text, as_bytes

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 0x1, 0x4
GET, PATH_ROOT, SCHEME_HTTP = b"\x82", b"\x84", b"\x86"
"""Fields 2, 4 and 6 of HPACK's static table."""
AUTHORITY, PATH = 1, 4
MAX_FRAMES = 100_000

Fields = Iterable[tuple[Text, Text]]


def request_all(connection: Connection, requests: Sequence[Fields], path: str = "/") -> int:
    """Send one GET for each item, all before the first answer, on a fresh connection; how many were answered.

    Names of header fields must be in lower case. ConnectionError when the server gives up the connection.
    """
    frames = [PREFACE, _frame(SETTINGS, 0, 0, b"")]
    for index, fields in enumerate(requests):
        frames.append(_frame(HEADERS, END_STREAM | END_HEADERS, 2 * index + 1, _fields(fields, path)))
    connection.send(b"".join(frames))
    return _answered(connection, len(requests))


def _answered(connection: Connection, expected: int) -> int:
    answered = 0
    for _ in range(MAX_FRAMES):
        if answered == expected:
            break
        head = connection.receive(9)
        connection.receive(int.from_bytes(head[:3], "big"))
        kind, flags = head[3], head[4]
        if kind in (RST_STREAM, GOAWAY):
            raise ConnectionError(f"the server sent an HTTP/2 frame of type {kind}")
        answered += kind in (DATA, HEADERS) and bool(flags & END_STREAM)
    return answered


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _fields(fields: Fields, path: str) -> bytes:
    where = PATH_ROOT if path == "/" else bytes([PATH]) + _string(path.encode())
    known = GET + SCHEME_HTTP + where + bytes([AUTHORITY]) + _string(b"lab")
    return known + b"".join(b"\0" + _string(as_bytes(name)) + _string(as_bytes(value)) for name, value in fields)


def _string(value: bytes) -> bytes:
    """Length and bytes, not Huffman-coded: a prefix of seven bits, then seven bits a byte, lowest first."""
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, length = len(value) - 127, bytearray([127])
    while rest >= 128:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes(length) + bytes([rest]) + value
