"""The header text of each line: JSON of every header that the format records, raw (`unmasq.unwind.claims` reads it)."""

import json
from collections.abc import Sequence
from typing import cast

from unmasq.read.formats.record import HEADER_KEYS
from unmasq.read.formats.values import Spans, Values


def header_texts(names: Sequence[str], columns: Sequence[Values], length: int) -> list[str]:
    """For each of `length` lines the text of its headers: `names` are payload keys, `columns` their values."""
    if not names or not length:
        return [""] * length
    template = _template(names)
    spans = [column for column in columns if isinstance(column, Spans)]
    if len(spans) < len(columns):
        return [_text(template, columns, row) for row in range(length)]
    texts, left = spans[0].native.texts(spans[0].data, template, tuple(s.begin for s in spans), tuple(s.end for s in spans))
    for row in left:
        texts[row] = _text(template, columns, row)
    return cast("list[str]", texts)


def _template(names: Sequence[str]) -> tuple[bytes, ...]:
    """What stands before each value, and behind the last one."""
    keys = [f'"{HEADER_KEYS.get(name, name)}":"' for name in names]
    return tuple(part.encode() for part in (f"{{{keys[0]}", *(f'",{key}' for key in keys[1:]), '"}'))


def _text(template: Sequence[bytes], columns: Sequence[Values], row: int) -> str:
    values = [json.dumps(column[row].decode("utf-8", "backslashreplace"), ensure_ascii=False)[1:-1] for column in columns]
    return "".join(before.decode() + value for before, value in zip(template, [*values, ""], strict=True))
