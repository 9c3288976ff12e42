"""The header text of each line: JSON of every header that the format records, raw (`unmasq.unwind.claims` reads it).

A whole column is escaped as one text, because an escape is rare and a call for each value is not.
"""

import re
from collections.abc import Iterable, Sequence

from unmasq.read.formats.record import HEADER_KEYS

_ESCAPED = re.compile(r'["\\\x00-\x09\x0b-\x1f]')  # all that JSON must escape but the newline


def header_texts(names: Sequence[str], columns: Sequence[Sequence[bytes]], length: int) -> Iterable[str]:
    """For each of `length` lines the text of its headers: `names` are payload keys, `columns` their values."""
    if not names or not length:
        return [""] * length
    template = "{" + ",".join(f'"{HEADER_KEYS.get(name, name)}":"%s"' for name in names) + "}"
    return map(template.__mod__, zip(*map(_in_json, columns), strict=True))


def _in_json(values: Sequence[bytes]) -> list[str]:
    """The values as they stand between the quotes of JSON; bytes that are no UTF-8 appear as their escapes."""
    escaped = _escaped(b"\n".join(values)).split("\n")
    if len(escaped) != len(values):  # a value holds a newline
        return [_escaped(value).replace("\n", "\\n") for value in values]
    return escaped


def _escaped(raw: bytes) -> str:
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", raw.decode("utf-8", "backslashreplace"))
