"""A batch as bytes and back: the only place that knows how it looks on the way from a node to a server, and in a spool.

A zstd frame that holds one MessagePack map: `version`, id, node, texts, files, rejects, and for each table its number of
rows with every column as name -> (type, base, type of what is sent, little-endian bytes): what is sent is what each value
lies above the base, in as few bytes as all of them need. A column in which all rows are equal has one value. The table
`translations` is left out where it is empty.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import zstandard
from msgspec import Struct

from unmasq.base.errors import BatchRefused, BatchTooLarge
from unmasq.base.safe import utf8
from unmasq.model.columns import Array, Columns
from unmasq.model.flaws import flaw_of
from unmasq.model.flowbatch import AddressColumns, AskedColumns, ChainColumns, FlowBatch, FlowColumns, LineColumns, Rejected
from unmasq.model.ingress import FileIdentity
from unmasq.model.translation import Translations

VERSION = 1
"""Of the map; a higher one was sent by a newer program and is refused."""

MOST_BYTES = 256 << 20
"""Of a batch that is not compressed any more: what taking one can cost in memory."""

_LEVEL = 1  # higher ones cost a node more of its processor than the network is worth

_NARROW: Mapping[str, int] = {"|u1": 8, "<u2": 16, "<u4": 32}
"""What a column may be sent as, and how many bits that has."""

_TABLES: Mapping[str, type[Columns]] = {
    "flows": FlowColumns,
    "chains": ChainColumns,
    "asked": AskedColumns,
    "addresses": AddressColumns,
    "lines": LineColumns,
    "translations": Translations,
}
_OPTIONAL = {"translations"}


class _Version(Struct):
    version: int


_Column = tuple[str, int, str, bytes]


class _Table(Struct):
    rows: int
    columns: dict[str, _Column]


class _Batch(Struct):
    version: int
    id: UUID
    node: str
    tables: dict[str, _Table]
    texts: list[str]
    files: list[FileIdentity]
    rejected: list[Rejected]


_encoder = msgspec.msgpack.Encoder()
_versions = msgspec.msgpack.Decoder(_Version)
_batches = msgspec.msgpack.Decoder(_Batch)


def encode(batch: FlowBatch) -> bytes:
    """The bytes of a batch. What UTF-8 has no bytes for in its texts (half a surrogate pair) becomes an escape."""
    told = _Batch(
        version=VERSION,
        id=batch.id,
        node=batch.node,
        tables={name: _table(getattr(batch, name)) for name in _TABLES if name not in _OPTIONAL or getattr(batch, name)},
        texts=utf8(batch.texts),
        files=batch.files,
        rejected=[replace(each, sample=utf8([each.sample])[0]) for each in batch.rejected],
    )
    return zstandard.ZstdCompressor(level=_LEVEL).compress(_encoder.encode(told))


def decode(data: bytes) -> FlowBatch:
    """The batch that somebody sent. Raises BatchRefused for anything that is not whole, sound and ours."""
    plain = _decompressed(data)
    try:
        version = _versions.decode(plain).version
        if version != VERSION:
            raise _refused(f"it is of version {version}, not {VERSION}", "upgrade the older of node and server")
        told = _batches.decode(plain)
        batch = _batch(told)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise _refused(str(error)) from None
    if flaw := flaw_of(batch):
        raise _refused(flaw)
    return batch


def _decompressed(data: bytes) -> bytes:
    """Only frames that say how long they are become anything: a small one could grow without end."""
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if size == zstandard.CONTENTSIZE_UNKNOWN:
            raise _refused("its frame does not say how long it is")
        if size > MOST_BYTES:
            raise _too_large(size)
        return zstandard.ZstdDecompressor(max_window_size=MOST_BYTES).decompress(data, allow_extra_data=False)
    except (zstandard.ZstdError, MemoryError) as error:
        raise _refused(str(error)) from None


def _table(columns: Columns) -> _Table:
    return _Table(len(columns), {name: _column(getattr(columns, name)) for name in columns.dtypes()})


def _column(values: Array) -> _Column:
    """Most columns are alike, or lie close together: what is not there need not be compressed."""
    own = values.dtype.str
    if not len(values):
        return own, 0, own, b""
    base, most = int(values.min()), int(values.max())
    if base == most:
        return own, 0, own, values[:1].tobytes()
    narrow = next((kind for kind, bits in _NARROW.items() if most - base < 1 << bits < 1 << 8 * values.dtype.itemsize), None)
    if narrow is None:
        return own, 0, own, np.ascontiguousarray(values).tobytes()
    return own, base, narrow, (values - values.dtype.type(base)).astype(narrow).tobytes()


def _batch(told: _Batch) -> FlowBatch:
    if not _TABLES.keys() - _OPTIONAL <= told.tables.keys() <= _TABLES.keys():
        raise _refused(f"its tables are {', '.join(sorted(told.tables))[:200]}")
    if any(table.rows < 0 for table in told.tables.values()):
        raise _refused("a table has less than no rows")
    size = sum(table.rows * _width(_TABLES[name]) for name, table in told.tables.items())
    if size > MOST_BYTES:
        raise _too_large(size)
    tables: dict[str, Any] = {name: _columns(name, _TABLES[name], table) for name, table in told.tables.items()}
    return FlowBatch(node=told.node, texts=told.texts, files=told.files, rejected=told.rejected, id=told.id, **tables)


def _columns(name: str, kind: type[Columns], table: _Table) -> Columns:
    if table.columns.keys() != kind.dtypes().keys():
        raise _refused(f"the table {name} has other columns than {', '.join(kind.dtypes())}")
    return kind(**{column: _values(f"{name}.{column}", dtype, table) for column, dtype in kind.dtypes().items()})


def _values(name: str, dtype: np.dtype[Any], table: _Table) -> Array:
    said, base, kind, data = table.columns[name.partition(".")[2]]
    if said != dtype.str or kind not in (said, *_NARROW):
        raise _refused(f"{name} is not of the type {dtype.str}")
    sent = np.dtype(kind)
    if len(data) == table.rows * sent.itemsize:
        values = np.frombuffer(data, sent)
    elif len(data) == sent.itemsize and table.rows:
        values = np.full(table.rows, np.frombuffer(data, sent)[0])
    else:
        raise _refused(f"{name} has {len(data):,} bytes for {table.rows:,} rows")
    return values if kind == said and not base else _above(name, base, values, dtype)


def _above(name: str, base: int, values: Array, dtype: np.dtype[Any]) -> Array:
    fits = np.iinfo(dtype)
    if not fits.min <= base <= base + int(values.max(initial=0)) <= fits.max:
        raise _refused(f"{name} goes beyond the type {dtype.str}")
    raised: Array = values.astype(dtype) + dtype.type(base)
    return raised


def _width(kind: type[Columns]) -> int:
    return sum(dtype.itemsize for dtype in kind.dtypes().values())


def _too_large(size: int) -> BatchTooLarge:
    return BatchTooLarge("a batch is too large", f"it has {size:,} bytes, not at most {MOST_BYTES:,}", "send less at once")


def _refused(why: str, next_step: str = "is it a batch of `unmasq node`, and did it arrive whole?") -> BatchRefused:
    return BatchRefused("a batch cannot be taken", why[:500], next_step)
