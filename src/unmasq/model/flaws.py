"""What is wrong with a batch that came from elsewhere: whatever passes here can be stored, asked for and judged again."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain as chained

import msgspec
import numpy as np

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.model.columns import Array, Columns
from unmasq.model.flowbatch import Evidence, Flag, FlowBatch, Join, Role
from unmasq.model.ingress import TEXTS, Reject, TimeSource

MOST_DAYS = 4000
"""Days that one batch may touch: each gets a file of its own."""
LONGEST_NODE = 253
LONGEST_FINGERPRINT = 300
"""A collector's file has the id of its pod's volume in front of its own, and that may have 200 characters."""
LONGEST_INTERVAL_US = 3600 * MICROSECONDS

_FIRST_US = -(1 << 55)  # the ninth century: no proxy is older, and a date can be written
_LAST_US = 253_402_300_799_999_999  # the end of the year 9999
_MOST_REQUESTS = (1 << 31) - 1  # in one interval
_MOST_COUNTED = 1 << 60
_FLAGS = sum(Flag)
_CHECKED = ("flows", "chains", "asked", "addresses", "lines", "translations")
_header_texts = msgspec.json.Decoder(dict[str, str])

_BOUNDS: Mapping[str, tuple[int, int]] = {
    "interval_start_us": (0, _LAST_US),
    "interval_end_us": (0, _LAST_US),
    "join": (0, max(Join)),
    "time_source": (0, max(TimeSource)),
    "evidence": (0, max(Evidence)),
    "flags": (0, _FLAGS),
    "roles": (0, sum(role.bit for role in Role)),
    "started": (0, 1),
    "completed": (0, 1),
    "requests": (0, _MOST_REQUESTS),
    **dict.fromkeys(("bytes_in", "bytes_out", "packets_in", "packets_out"), (-1, _MOST_COUNTED)),
    "start": (0, _MOST_COUNTED),
    "end": (0, _MOST_COUNTED),
    "day": (0, _LAST_US // DAY_US),
}
"""The smallest and the largest value of a column, by its name; what is not here is looked at by `_bounds` or `_rows`, or is free."""


def flaw_of(batch: FlowBatch) -> str | None:
    """The first thing that is wrong, in words; None for a batch as a node makes it."""
    return next(chained(_names(batch), _values(batch), _rows(batch), _times(batch), _rejects(batch), _headers(batch)), None)


def newest_us(batch: FlowBatch) -> int:
    """The latest time that a batch says something of."""
    ends = (batch.flows.interval_start_us, batch.flows.last_us, batch.chains.last_us, batch.addresses.last_us)
    latest = (int(each.max(initial=0)) for each in ends)
    return max(*latest, *(each.day * DAY_US for each in batch.rejected), 0)


def _names(batch: FlowBatch) -> Iterator[str]:
    if not 0 < len(batch.node) <= LONGEST_NODE:
        yield f"a node's name has 1 to {LONGEST_NODE} characters, not {len(batch.node)}"
    for file in batch.files:
        if not (0 <= file.device < 1 << 64 and 0 <= file.inode < 1 << 64 and len(file.fingerprint) <= LONGEST_FINGERPRINT):
            yield "a log file's device, inode or fingerprint is too long"


def _values(batch: FlowBatch) -> Iterator[str]:
    tables: dict[str, Columns] = {name: getattr(batch, name) for name in _CHECKED}
    for table, columns in tables.items():
        for name in columns.dtypes():
            bounds, values = _bounds(name), getattr(columns, name)
            if bounds and len(values) and not bounds[0] <= int(values.min()) <= int(values.max()) <= bounds[1]:
                yield f"{table}.{name} must be from {bounds[0]} to {bounds[1]}"


def _bounds(name: str) -> tuple[int, int] | None:
    return _BOUNDS.get(name, (_FIRST_US, _LAST_US) if name.endswith("_us") else None)


def _rows(batch: FlowBatch) -> Iterator[str]:
    """Numbers of rows that there are not."""
    flows, chains, texts = len(batch.flows), len(batch.chains), len(batch.texts)
    yield from _outside("flows.pod", batch.flows.pod, texts)
    yield from _outside("chains.flow", batch.chains.flow, flows)
    yield from _outside("chains.headers", batch.chains.headers, texts)
    yield from _outside("asked.chain", batch.asked.chain, chains)
    for name in TEXTS:
        yield from _outside(f"asked.{name}", getattr(batch.asked, name), texts)
    yield from _outside("addresses.flow", batch.addresses.flow, flows)
    yield from _outside("addresses.chain", batch.addresses.chain, chains, first=-1)
    yield from _outside("lines.file", batch.lines.file, len(batch.files))
    of_chain = batch.addresses.take(batch.addresses.chain >= 0)
    if (batch.chains.flow[of_chain.chain] != of_chain.flow).any():
        yield "addresses.chain must be a chain of addresses.flow"


def _outside(name: str, rows: Array, count: int, first: int = 0) -> Iterator[str]:
    if len(rows) and not first <= int(rows.min()) <= int(rows.max()) < count:
        yield f"{name} must be the number of one of {count} rows"


def _times(batch: FlowBatch) -> Iterator[str]:
    flows, lines = batch.flows, batch.lines
    length_us = flows.interval_end_us - flows.interval_start_us
    if len(flows) and not 0 <= int(length_us.min()) <= int(length_us.max()) <= LONGEST_INTERVAL_US:
        yield "an interval ends within an hour after its start"
    if (lines.end < lines.start).any():
        yield "a run of lines ends before its start"
    days = {*np.unique(flows.interval_start_us // DAY_US).tolist(), *np.unique(lines.day).tolist(), *(each.day for each in batch.rejected)}
    if len(days) > MOST_DAYS:
        yield f"{len(days):,} days in one batch are more than {MOST_DAYS:,}"


def _rejects(batch: FlowBatch) -> Iterator[str]:
    for each in batch.rejected:
        if not (0 <= each.reason <= max(Reject) and 0 <= each.count <= _MOST_REQUESTS and 0 <= each.day <= _LAST_US // DAY_US):
            yield "a reject's reason, count or day cannot be"


def _headers(batch: FlowBatch) -> Iterator[str]:
    used: Iterable[int] = np.unique(batch.chains.headers).tolist()
    for number in used:
        if not is_header_text(batch.texts[number]):
            yield "the headers of a chain are no JSON object of texts"
            return


def is_header_text(text: str) -> bool:
    """Whether `unmasq.unwind.claims` can read it and every answer can hold it: not with half a surrogate pair, which no reader writes."""
    if not text:
        return True
    try:
        _header_texts.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True
