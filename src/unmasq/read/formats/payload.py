r"""The payload of our marker line, exactly: one JSON object behind one marker, repaired where a proxy's escaping broke it.

Header values are the client's to write, so the rule is strict where a client could lie and lenient where a proxy merely
writes bad JSON: two payloads, or a key that repeats, are an injection; `\x22`, bytes that are no UTF-8, an empty port and
an unquoted address are repaired.
"""

import json
import re
from typing import Any, NamedTuple

from unmasq.model.ingress import Reject
from unmasq.read.formats.objects import raw

MARKERS = (b"tigera_secure_ee_ingress: ", b"unmasq: ")
OPENING = b'{"'

_PAYLOAD = re.compile(b"(?:" + b"|".join(map(re.escape, MARKERS)) + b')(?=\\{")')
ANY_MARKER = b"(?:" + b"|".join(re.escape(marker.rstrip()) for marker in MARKERS) + b")"
_MARKER = re.compile(ANY_MARKER)
_HEX = re.compile(r"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_PLAIN_HEX = re.compile(r"\\x([0-9A-Fa-f]{2})")
_EMPTY = re.compile(r'("[a-z_]+"): ?(?=[,}])')
_BARE_ADDRESS = re.compile(r'("(?:source_ip|destination_ip|x-forwarded-for|x-real-ip)"): ?([0-9A-Fa-f.:]+|-)(?=[,}])')
_BARE = re.compile(r'"[a-z_-]+": ?[^"\s\d{\[tfn-]|"[a-z_-]+": ?\d[\d.]*[.:a-fA-F]')
_HEAD = re.compile(
    rb'\{"source_port": ?"?(?P<source_port>\d*)"?, ?"destination_ip": ?"?(?P<destination_ip>[^",]*)"?, ?'
    rb'"destination_port": ?"?(?P<destination_port>\d*)"?, ?"source_ip": ?"?(?P<source_ip>[^",]*)"?[,}]'
)


class Payload(NamedTuple):
    """What one line says: the raw bytes of each key's value; where rejected, only those of the fixed head."""

    fields: dict[str, bytes]
    reject: Reject
    before: int  # length of the text before the payload's marker; the whole line where there is no one payload
    marked: bool


def read_payload(line: bytes) -> Payload:
    """The payload of a line. Never raises; a line without a marker is not rejected here, it has no payload."""
    found = [match.span() for match in _PAYLOAD.finditer(line)]
    if not found:
        marked = _MARKER.search(line) is not None
        return Payload({}, Reject.NO_PAYLOAD if marked else Reject.NONE, len(line), marked=marked)
    if len(found) > 1:
        return Payload({}, Reject.INJECTED, len(line), marked=True)
    before, start = found[0]
    fields, reject = _decode(line[start:])
    if reject:
        head = _HEAD.match(line, start)
        fields = head.groupdict() if head else {}
    return Payload(fields, reject, before, marked=True)


def _decode(payload: bytes) -> tuple[dict[str, bytes], Reject]:
    text = _unescaped(payload.decode("utf-8", "surrogateescape"))
    pairs = _pairs(text) or _pairs(_BARE_ADDRESS.sub(r'\1: "\2"', _EMPTY.sub(r"\1: null", text)))
    if pairs is None:
        return {}, Reject.UNQUOTED if _BARE.search(text) else Reject.BAD_JSON
    fields = {key: raw(value) for key, value in pairs}
    if len(fields) != len(pairs):
        return {}, Reject.INJECTED
    if any(value is None for value in fields.values()):
        return {}, Reject.BAD_VALUE
    return {key: value for key, value in fields.items() if value is not None}, Reject.NONE


def _unescaped(text: str) -> str:
    r"""`\xHH` as JSON has it. Where no backslash stands for itself, as in most lines, each kind of byte is replaced at once."""
    if r"\\" in text:
        return _HEX.sub(lambda match: match[1] + _byte(match[2]), text)
    for digits in set(_PLAIN_HEX.findall(text)):
        text = text.replace(rf"\x{digits}", _byte(digits))
    return text


def _byte(digits: str) -> str:
    """A byte in JSON: one above 0x7f is the surrogate that stands for it, so that the header's bytes come back."""
    code = int(digits, 16)
    return f"\\u{code if code < 0x80 else 0xDC00 + code:04x}"


def _pairs(text: str) -> list[tuple[str, Any]] | None:
    """Key and value of one flat JSON object, repeated keys kept; None if it is no such object."""
    try:
        decoded = json.loads(text, object_pairs_hook=list, parse_int=str.encode, parse_float=str.encode, strict=False)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, list) and text.lstrip().startswith("{") else None
