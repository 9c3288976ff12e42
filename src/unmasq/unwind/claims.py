"""Header texts to claims: what each header of a request names, element by element.

A header text is JSON, `{"x-forwarded-for": "1.1.1.1, 2.2.2.2", "x-real-ip": "-"}`: one value for each header that the
format records, raw. A name that is missing was not recorded; `-` and the empty text are a header that was not sent. Four
more names come from the line itself: `prefix` (an address before the marker, which realip may have rewritten), `logged`
(the source of a line without our marker, which may be what a header said), `reported_by` (the pod whose collector reported
one address of a request, without the chain that it was in) and `source_by` (who told the proxy its source: a header, since its
socket has none). The name `cut` lists headers whose value may not be whole. The name `captured`,
`x-forwarded-for:2048;x-real-ip:64`, lists those of which only the last lines were recorded, and at most so many bytes: earlier
lines may be missing, and a value that is as long as that was cut.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmasq.model.address import packed, parse
from unmasq.model.native import NATIVE, Native
from unmasq.unwind import forwarded
from unmasq.unwind.trust import HEADERS, LISTS

FORWARDED = "forwarded"
REPORTED_BY = "reported_by"
SOURCE_BY = "source_by"
KINDS = (*HEADERS, "prefix", "logged", REPORTED_BY, SOURCE_BY)
_KIND = {name: kind for kind, name in enumerate(KINDS)}
CUT = "cut"
CAPTURED = "captured"
NOTES = (CUT, CAPTURED)
"""Names in a header text that say something of its headers and are none."""
_ABSENT = ("", "-")
_NATURES = "".join("?" if name in (FORWARDED, REPORTED_BY) else "," if name in LISTS else " " for name in KINDS)
"""For the extension: lists, single addresses, and what it leaves to Python."""
_NAMES, _NAME_NATURES = (*KINDS, *NOTES), _NATURES + "?" * len(NOTES)


@dataclass(frozen=True)
class Claims:
    """Elements of many header texts, flat. Shapes: `hi`, `lo`, `kind` (elements); `first`, `count` (texts, kinds).

    Elements `first[t, k]` to `first[t, k] + count[t, k]` are those of text t's header k, left to right; NONE where an
    element is no address. `recorded[t, k]` says that the header was recorded up to its end, `partly[t, k]` that elements before
    its first one may be missing.
    """

    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    text: NDArray[np.int64]  # which text each element is of
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    recorded: NDArray[np.bool_]
    partly: NDArray[np.bool_]


def elements(name: str, value: str) -> list[str]:
    """The raw elements of one header value, left to right; none for an absent or empty one."""
    if value in _ABSENT:
        return []
    if name == FORWARDED:
        return forwarded.elements(value)
    if name not in LISTS:
        return [value]
    return [part.strip(" \t") for part in value.split(",")]


def named(name: str, element: str) -> tuple[int, int] | None:
    """The address that one raw element names."""
    return parse(_address_text(name, element))


def _address_text(name: str, element: str) -> str:
    return forwarded.node(element) if name == FORWARDED else element.strip(" \t")


def header_values(text: str) -> dict[str, str]:
    """A header text as a dictionary. The empty text has no recorded header at all."""
    values: dict[str, str] = json.loads(text) if text else {}
    return values


def raw_claims(text: str) -> Iterator[tuple[str, str]]:
    """(header, raw element) of every claim in a header text, in the order of the headers and of the wire."""
    values = header_values(text)
    for name in KINDS[: KINDS.index(REPORTED_BY)]:
        for element in elements(name, values.get(name, "")):
            yield name, element


def shortcomings(values: Mapping[str, str]) -> tuple[frozenset[str], frozenset[str]]:
    """The headers of a text whose value may have been cut, and those of which earlier lines may be missing."""
    cut, partly = set(values.get(CUT, "").split(",")), set()
    for name, _, most in (each.partition(":") for each in values.get(CAPTURED, "").split(";")):
        partly.add(name)
        if not most.isdecimal() or len(values.get(name, "").encode("utf-8", "surrogatepass")) >= int(most):
            cut.add(name)
    return frozenset(cut), frozenset(partly)


def claims_of(texts: Sequence[str], native: Native | None = NATIVE) -> Claims:
    """The claims of many header texts, in their order: `header_values`, `elements`, `named`, `shortcomings` for whole columns."""
    if native is None:
        return _indexed(*_read(texts))
    recorded, partly = np.zeros((len(texts), len(_NAMES)), "?"), np.zeros((len(texts), len(KINDS)), "?")
    rows, left = native.claims(list(texts), _NAMES, _NAME_NATURES, recorded)
    recorded = recorded[:, : len(KINDS)]
    columns = np.ascontiguousarray(np.frombuffer(rows, "u8").reshape(-1, 4).T)
    found = _Elements(columns[0].astype("i8"), columns[1].astype("u1"), columns[2], columns[3])
    if left:
        others, recorded[left], partly[left] = _read([texts[number] for number in left])
        found = _together([found, others._replace(text=np.array(left)[others.text])])
    return _indexed(found, recorded, partly)


def _read(texts: Sequence[str]) -> tuple["_Elements", NDArray[np.bool_], NDArray[np.bool_]]:
    """The elements of texts, header by header; which headers each text recorded up to their ends, and which only in part."""
    rows: list[dict[str, str]] = json.loads("[" + ",".join(text or "{}" for text in texts) + "]")
    shapes: dict[frozenset[str], int] = {}
    shape = np.array([shapes.setdefault(frozenset(row), len(shapes)) for row in rows], "i8")
    recorded = np.array([[kind in names for kind in KINDS] for names in shapes], "?").reshape(-1, len(KINDS))[shape]
    partly = np.zeros_like(recorded)
    for number, names in enumerate(shapes):
        for text in np.flatnonzero(shape == number).tolist() if not names.isdisjoint(NOTES) else ():
            cut, of_part = shortcomings(rows[text])
            recorded[text, [_KIND[name] for name in cut & _KIND.keys()]] = False
            partly[text, [_KIND[name] for name in of_part & _KIND.keys()]] = True
    met = set().union(*shapes)
    return _together([_elements_of(name, rows) for name in KINDS if name in met]), recorded, partly


class _Elements(NamedTuple):
    """The elements of one header in many texts, flat."""

    text: NDArray[np.int64]
    kind: NDArray[np.uint8]
    hi: NDArray[np.uint64]
    lo: NDArray[np.uint64]


def _elements_of(name: str, rows: Sequence[dict[str, str]]) -> _Elements:
    values = [row.get(name, "") for row in rows]
    told = [value not in _ABSENT for value in values]
    text, raw = np.flatnonzero(told), list(compress(values, told))
    counts, raw = _split(name, raw)
    number = dict(zip(dict.fromkeys(raw), count()))
    pairs = np.frombuffer(packed(_address_text(name, element) for element in number), ">u8").astype("u8").reshape(-1, 2)
    at = np.fromiter(map(number.__getitem__, raw), "i8", len(raw))
    return _Elements(np.repeat(text, counts), np.full(len(raw), _KIND[name], "u1"), pairs[at, 0], pairs[at, 1])


def _split(name: str, values: list[str]) -> tuple[NDArray[np.int64], list[str]]:
    """How many elements each value has, and all of them."""
    if name == FORWARDED:
        lists = [forwarded.elements(value) for value in values]
        return np.array([len(each) for each in lists], "i8"), list(chain.from_iterable(lists))
    if name in LISTS and values:
        return np.array([value.count(",") + 1 for value in values], "i8"), ",".join(values).split(",")
    return np.ones(len(values), "i8"), values


def _together(parts: Sequence[_Elements]) -> _Elements:
    """All elements, those of one text together and in the order of their headers."""
    text, kind, hi, lo = (np.concatenate(each) for each in zip(_NOTHING, *parts, strict=True))
    order = np.argsort(text, kind="stable")
    return _Elements(text[order], kind[order], hi[order], lo[order])


def _indexed(found: _Elements, recorded: NDArray[np.bool_], partly: NDArray[np.bool_]) -> Claims:
    count = np.bincount(found.text * len(KINDS) + found.kind, minlength=recorded.size)
    first = (np.cumsum(count) - count).reshape(recorded.shape)
    return Claims(found.hi, found.lo, found.kind, found.text, first, count.reshape(recorded.shape), recorded, partly)


_NOTHING = _Elements(np.zeros(0, "i8"), np.zeros(0, "u1"), np.zeros(0, "u8"), np.zeros(0, "u8"))
