"""The header text of each line: JSON of every header that the format records, raw (`unmasq.unwind.claims` reads it)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from unmasq.read.formats.values import Spans, Values


def header_texts(headers: Mapping[str, Values], notes: Mapping[str, str], length: int) -> list[str]:
    """For each of `length` lines the text of its headers: by name the values of each, and what is the same in all of them."""
    if not headers or not length:
        return [_noted(notes)] * length
    template, columns = _template(headers, notes), list(headers.values())
    spans = [column for column in columns if isinstance(column, Spans)]
    if len(spans) < len(columns):
        return [_text(template, columns, row) for row in range(length)]
    texts, left = spans[0].native.texts(spans[0].data, template, tuple(s.begin for s in spans), tuple(s.end for s in spans))
    for row in left:
        texts[row] = _text(template, columns, row)
    return cast("list[str]", texts)


def _noted(notes: Mapping[str, str]) -> str:
    return json.dumps(notes, separators=(",", ":")) if notes else ""


def _template(names: Iterable[str], notes: Mapping[str, str]) -> tuple[bytes, ...]:
    """What stands before each value, and behind the last one."""
    first, *others = (f'"{name}":"' for name in names)
    before = f"{_noted(notes)[:-1]}," if notes else "{"
    return tuple(part.encode() for part in (before + first, *(f'",{other}' for other in others), '"}'))


def _text(template: Sequence[bytes], columns: Sequence[Values], row: int) -> str:
    values = [json.dumps(column[row].decode("utf-8", "backslashreplace"), ensure_ascii=False)[1:-1] for column in columns]
    return "".join(before.decode() + value for before, value in zip(template, [*values, ""], strict=True))
