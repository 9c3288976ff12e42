"""Header texts to claims: what each header of a request names, element by element.

A header text is JSON, `{"x-forwarded-for": "1.1.1.1, 2.2.2.2", "x-real-ip": "-"}`: one value for each header that the
format records, raw. A name that is missing was not recorded; `-` and the empty text are a header that was not sent. Two
more names come from the line itself: `prefix` (an address before the marker, which realip may have rewritten) and `logged`
(the address of a line without our marker). The name `cut` lists headers whose value may not be whole.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmasq.model.address import NONE, parse
from unmasq.unwind.trust import HEADERS, LISTS

KINDS = (*HEADERS, "prefix", "logged")
_KIND = {name: kind for kind, name in enumerate(KINDS)}
CUT = "cut"


@dataclass(frozen=True)
class Claims:
    """Elements of many header texts, flat. Shapes: `hi`, `lo`, `kind` (elements); `first`, `count` (texts, kinds).

    Elements `first[t, k]` to `first[t, k] + count[t, k]` are those of text t's header k, left to right; NONE where an
    element is no address. `recorded[t, k]` says that the header was recorded whole.
    """

    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    text: NDArray[np.int64]  # which text each element is of
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    recorded: NDArray[np.bool_]


def elements(name: str, value: str) -> list[str]:
    """The raw elements of one header value, left to right; none for an absent or empty one."""
    if value in ("", "-"):
        return []
    if name not in LISTS:
        return [value]
    return [part.strip(" \t") for part in value.split(",")]


def named(name: str, element: str) -> tuple[int, int] | None:
    """The address that one raw element names."""
    return parse(_for_parameter(element) if name == "forwarded" else element)


def _for_parameter(element: str) -> str:
    for pair in element.split(";"):
        key, _, value = pair.partition("=")
        if key.strip().lower() == "for":
            return value.strip()
    return ""


def header_values(text: str) -> dict[str, str]:
    """A header text as a dictionary. The empty text has no recorded header at all."""
    values: dict[str, str] = json.loads(text) if text else {}
    return values


def raw_claims(text: str) -> Iterator[tuple[str, str]]:
    """(header, raw element) of every claim in a header text, in the order of the headers and of the wire."""
    values = header_values(text)
    for name in KINDS:
        for element in elements(name, values.get(name, "")):
            yield name, element


def claims_of(texts: Sequence[str]) -> Claims:
    """The claims of many header texts, in their order."""
    flat: list[tuple[int, int, int, int]] = []
    first, count = np.zeros((2, len(texts), len(KINDS)), "i8")
    recorded = np.zeros((len(texts), len(KINDS)), "?")
    for row, text in enumerate(texts):
        values = header_values(text)
        cut = values.pop(CUT, "").split(",")
        for name, value in values.items():
            kind = _KIND[name]
            first[row, kind] = len(flat)
            flat += [(*(named(name, element) or NONE), kind, row) for element in elements(name, value)]
            count[row, kind] = len(flat) - first[row, kind]
            recorded[row, kind] = name not in cut
    hi, lo, kinds, rows = zip(*flat, strict=True) if flat else ((), (), (), ())
    return Claims(np.array(hi, "u8"), np.array(lo, "u8"), np.array(kinds, "u1"), np.array(rows, "i8"), first, count, recorded)
