"""Raw bytes of each key, column by column, to the columns of an IngressBatch.

Digits are converted at once; of everything else only what the memory has not met (`unmasq.read.formats.memory`).
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from unmasq.model.columns import Array
from unmasq.model.connection import TCP, UDP
from unmasq.model.flowbatch import Flag
from unmasq.model.ingress import TEXTS, IngressBatch, Reject, Shape, TimeSource
from unmasq.model.vocabulary import Vocabulary
from unmasq.read.formats.ends import NO_PORT, NOTES, Ends, Told, ends_of
from unmasq.read.formats.headers import header_texts
from unmasq.read.formats.memory import Addresses, Memory
from unmasq.read.formats.record import HEADER_KEYS
from unmasq.read.formats.times import local_time_us, moment_us, seconds_us
from unmasq.read.formats.values import Values

_LONGEST_TEXT = 256
FUTURE_US = 300 * 1_000_000  # clocks of two machines may differ by this much
TEST_AGENT = b"unmasq-test/"
_TEMPLATED = (Shape.MARKER, Shape.ENVOY)
_NEEDED = ("source_ip", "source_port", "destination_ip", "destination_port", "x-forwarded-for")


class Kind(NamedTuple):
    """What all lines of a batch have in common."""

    reject: Reject
    shape: Shape


class Converter:
    """Turns columns of raw bytes into a batch; one for one reader, since it numbers texts in the reader's vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._addresses = Addresses()
        self._seconds = Memory(seconds_us)
        self._moments = Memory(moment_us)
        self._local_times = Memory(local_time_us)
        self._protocols = Memory(lambda raw: UDP if raw.lower() in (b"udp", b"17") else TCP)
        self.counts: Counter[tuple[str, str]] = Counter()
        """Counter and reason -> lines: `lines_time_replaced` (`future`, `unreadable`), and `lines_lacking` by the key that is missing."""
        self.forget()

    def forget(self) -> None:
        """Forget what refers to the vocabulary: it was renumbered."""
        self._texts = Memory(lambda raw: self._number(_shown(raw)))
        self._paths = Memory(lambda raw: self._number(_shown(raw.partition(b"?")[0])))
        self._services = Memory(lambda parts: self._number(_shown(b"/".join(filter(None, parts)))))

    def __call__(self, values: Mapping[str, Values], length: int, kind: Kind, *, live: bool, read_us: int) -> IngressBatch:
        """A batch of `length` rows; a key that is missing was not in the lines."""
        reject = kind.reject
        self._count_lacking(values, length, kind)
        source, dest, _ = ends = ends_of(values, length, self._addresses)
        rejects = np.full(length, reject, "u1")
        if "source_ip" in values:
            rejects[(rejects == 0) & ~source.is_known] = Reject.NO_SOURCE
        rejects[(rejects == 0) & ((source.port == NO_PORT) | (dest.port == NO_PORT))] = Reject.BAD_VALUE
        return IngressBatch.filled(
            length, reject=rejects, shape=kind.shape, source_hi=source.hi, source_lo=source.lo, source_port=np.maximum(source.port, 0),
            dest_hi=dest.hi, dest_lo=dest.lo, dest_port=np.maximum(dest.port, 0),
            headers=np.where(rejects == reject, self._header_column(values, length, ends, reject), 0),
            protocol=self._protocols.column(values["protocol"], "u1") if "protocol" in values else TCP,
            flags=self._flags(values, rejects), **self._times(values, length, live=live, read_us=read_us), **self._requests(values),
        )  # fmt: skip

    def count(self, name: str, reason: str, lines: int) -> None:
        """Count lines; nothing is recorded for none."""
        if lines:
            self.counts[name, reason] += lines

    def _count_lacking(self, keys: Collection[str], length: int, kind: Kind) -> None:
        """Which keys lines of a template lack: its setting is not whole. What a collector reports comes without one."""
        if kind.shape in _TEMPLATED and kind.reject in (Reject.NONE, Reject.NO_SOURCE) and "reported_by" not in keys:
            for key in _NEEDED:
                self.count("lines_lacking", key, 0 if key in keys else length)

    def _number(self, text: str) -> int:
        return self._vocabulary.number(text)

    def _header_column(self, values: Mapping[str, Values], length: int, ends: Ends, reject: Reject) -> Array:
        """Numbers of header texts. A rejected payload recorded no header; a prefix that names the source itself says nothing."""
        hi, lo = self._addresses.columns(values.get("prefix"), length)
        tells = ((hi != ends.source.hi) | (lo != ends.source.lo)) & ((hi | lo) > 0)
        forms = len(Told) * tells + (0 if reject else ends.told)
        numbers = np.zeros(length, "u4")
        for form in np.flatnonzero(np.bincount(forms)).tolist():
            columns = {} if reject else {header: values[key] for key, header in HEADER_KEYS.items() if key in values}
            if form >= len(Told):
                columns["prefix" if reject or "source_ip" in values else "logged"] = values["prefix"]
            rows = np.flatnonzero(forms == form)
            numbers[rows] = self._header_numbers(columns, Told(form % len(Told)), rows)
        return numbers

    def _header_numbers(self, columns: Mapping[str, Values], told: Told, rows: Array) -> Array:
        notes = NOTES[told]
        some = {name: column if len(rows) == len(column) else column.take(rows) for name, column in columns.items() if name not in notes}
        return self._vocabulary.numbers(header_texts(some, notes, len(rows)))

    def _times(self, values: Mapping[str, Values], length: int, *, live: bool, read_us: int) -> dict[str, Array]:
        own = np.zeros(length, "i8")
        if "time" in values:
            own = self._local_times.column(values["time"], "i8")
        if "ts" in values:
            exact = self._moments.column(values["ts"], "i8")
            own = np.where((exact > 0) | (own == 0), exact, own)
        future = own > read_us + FUTURE_US
        unusable = (own <= 0) | future
        self.count("lines_time_replaced", "future", int(future.sum()))
        self.count("lines_time_replaced", "unreadable", int((own < 0).sum()))
        opened = np.zeros(length, "i8")
        if "connection_time" in values:
            age = self._seconds.column(values["connection_time"], "i8")
            opened = np.where(unusable | (age < 0), 0, own - age)
        source = np.where(unusable, TimeSource.LIVE if live else TimeSource.READ, TimeSource.LINE)
        return {"time_us": np.where(unusable, read_us, own), "time_source": source, "opened_us": opened}

    def _requests(self, values: Mapping[str, Values]) -> dict[str, Array | int]:
        found: dict[str, Array | int] = {"bytes_in": -1, "bytes_out": -1}
        found |= {name: values[name].whole_numbers() for name in found if name in values}
        if "uri" in values:
            found["path"] = self._paths.column(values["uri"], "u4")
        if "namespace" in values and "service" in values:
            found["service"] = self._service_column(values["namespace"], values["service"])
        for name in TEXTS:
            if name in values and name not in found:
                found[name] = self._texts.column(values[name], "u4")
        return found

    def _service_column(self, namespaces: Values, services: Values) -> Array:
        """Numbers of `namespace/service`."""
        (spaces, space), (names, name) = namespaces.dictionary(), services.dictionary()
        pairs, places = np.unique(space * np.int64(len(names)) + name, return_inverse=True)
        parts = ((spaces[pair // len(names)], names[pair % len(names)]) for pair in pairs.tolist())
        return np.fromiter(map(self._services.__getitem__, parts), "u4", len(pairs))[places]

    def _flags(self, values: Mapping[str, Values], rejects: Array) -> Array:
        flags = np.where(rejects > 0, int(Flag.REJECTED), 0)
        if "user_agent" in values:
            raw, places = values["user_agent"].dictionary()
            is_test = np.fromiter((agent.startswith(TEST_AGENT) for agent in raw), "?", len(raw))
            flags[is_test[places]] |= int(Flag.TEST)
        return flags


def _shown(raw: bytes) -> str:
    r"""A header's or variable's bytes as text, bounded; bytes that are no UTF-8 appear as \\xNN, `-` as nothing."""
    text = raw[: 4 * _LONGEST_TEXT].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    return "" if text == "-" else text[:_LONGEST_TEXT]
