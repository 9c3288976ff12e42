"""What is promised of any batch that is taken in: it can be kept, asked for in every way, judged again, and forgotten."""

import struct
import tempfile
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from uuid import uuid4

import numpy as np

from tests.contract.stores import NOW_US, TRUSTED
from tests.property.test_wire import SMALL
from unmasq.base.errors import BatchRefused
from unmasq.find.trace import trace
from unmasq.keep.day.rejudge import rejudge
from unmasq.keep.duck import DuckStore
from unmasq.model import wire
from unmasq.model.address import parse_range
from unmasq.model.columns import Columns
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import FlowBatch
from unmasq.serve.contract import body_of
from unmasq.serve.questions import MOST_FLOWS

_CHANGE = struct.Struct("<BBBq")
"""Table, column, row, value."""
_TABLES = ("flows", "chains", "asked", "addresses", "lines", "translations")
BETWEEN = b"\n--\n"
"""Between the changes and a text that takes the place of every header's."""
EVERYBODY = parse_range("::/0")


def kept(data: bytes) -> None:
    """A batch that was changed by whoever holds a node's token is refused, or whoever asks gets answers."""
    try:
        arrived = wire.decode(wire.encode(_changed(data)))
    except BatchRefused:
        return
    store = _store()
    store.append(arrived)
    try:
        _asked(store)
        assert sum(progress.flows for progress in rejudge(store)) == len(arrived.flows)
        _asked(store)
    finally:
        for day in store.days.days():
            assert store.forget(day)


def _asked(store: DuckStore) -> None:
    for address in (EVERYBODY, parse_range("0.0.0.0/0")):
        body_of(trace(store, store.control.trust_list(), address, FlowFilter()))
    body_of(store.flows(FlowFilter(), limit=MOST_FLOWS))
    body_of(store.top(FlowFilter()))
    body_of(store.health())


@cache
def _store() -> DuckStore:
    """One for the whole process, in a folder that goes with it."""
    folder = tempfile.TemporaryDirectory()
    store = DuckStore(Path(folder.name))
    store.control.trust_add(TRUSTED, NOW_US)
    _FOLDERS.append(folder)
    return store


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def _changed(data: bytes) -> FlowBatch:
    changes, _, text = data.partition(BETWEEN)
    texts = [text.decode("utf-8", "replace") if text and known.startswith("{") else known for known in SMALL.texts]
    tables = {name: getattr(SMALL, name).take(np.arange(len(getattr(SMALL, name)))) for name in _TABLES}
    for table, column, row, value in _changes(changes):
        _change(tables[_TABLES[table % len(_TABLES)]], column, row, value)
    return replace(SMALL, id=uuid4(), texts=texts, **tables)


def _changes(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    return _CHANGE.iter_unpack(data[: len(data) // _CHANGE.size * _CHANGE.size])


def _change(table: Columns, column: int, row: int, value: int) -> None:
    names = [each.name for each in fields(table)]
    values = getattr(table, names[column % len(names)])
    if len(values):
        bits = 8 * values.dtype.itemsize
        values[row % len(values)] = np.array([value % (1 << bits)], "u8").astype(f"u{bits // 8}").view(values.dtype)[0]
