"""Raw bytes of each key, column by column, to the columns of an IngressBatch.

Most values of a log come again and again, so each column is looked up in a memory that fills itself: one dictionary look-up
a value, and the real conversion only for what was never met. Clients choose many of the values, so a memory that has grown
is emptied.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from unmasq.model.address import NONE, parse
from unmasq.model.columns import Array
from unmasq.model.connection import TCP, UDP
from unmasq.model.flowbatch import Flag
from unmasq.model.ingress import TEXTS, IngressBatch, Reject, TimeSource
from unmasq.model.vocabulary import Vocabulary
from unmasq.read.formats.record import HEADER_KEYS
from unmasq.read.formats.times import local_time_us, seconds_us

_MEMORY = 1 << 17
_LONGEST_TEXT = 256
_FUTURE_US = 300 * 1_000_000  # clocks of two machines may differ by this much
TEST_AGENT = b"unmasq-test/"
_NO_PORT = -1

Values = Sequence[bytes]


class _Memory(dict[Any, Any]):
    """Converts what it has not met."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, raw: Any) -> Any:
        value = self[raw] = self._convert(raw)
        return value

    def column(self, values: Sequence[Any], dtype: str) -> Array:
        """The converted values; empties the memory first where it has grown."""
        if len(self) > _MEMORY:
            self.clear()
        return np.fromiter(map(self.__getitem__, values), dtype, len(values))


class Converter:
    """Turns columns of raw bytes into a batch; one for one reader, since it numbers texts in the reader's vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._pairs: list[tuple[int, int]] = [NONE]
        self._pair_numbers: dict[tuple[int, int], int] = {NONE: 0}
        self._ports = _Memory(_port)
        self._counts = _Memory(_count)
        self._seconds = _Memory(seconds_us)
        self._local_times = _Memory(local_time_us)
        self._protocols = _Memory(lambda raw: UDP if raw.lower() in (b"udp", b"17") else TCP)
        self._tests = _Memory(lambda raw: raw.startswith(TEST_AGENT))
        self.replaced_times: Counter[str] = Counter()
        """How many lines named a time that cannot be, by reason: `future` or `unreadable`."""
        self.forget()

    def forget(self) -> None:
        """Forget what refers to the vocabulary: it was renumbered."""
        self._texts = _Memory(lambda raw: self._number(_shown(raw)))
        self._paths = _Memory(lambda raw: self._number(_shown(raw.partition(b"?")[0])))
        self._services = _Memory(lambda parts: self._number(_shown(b"/".join(filter(None, parts)))))
        self._headers: dict[tuple[str, ...], _Memory] = {}
        self._addresses = _Memory(self._address)

    def __call__(self, values: Mapping[str, Values], length: int, reject: Reject, *, live: bool, read_us: int) -> IngressBatch:
        """A batch of `length` rows; a key that is missing was not in the lines."""
        self._trim()
        source = self._address_column(values.get("source_ip"), length)
        ports = self._port_column(values.get("source_port"), length), self._port_column(values.get("destination_port"), length)
        rejects = np.full(length, reject, "u1")
        if "source_ip" in values:
            rejects[(rejects == 0) & (source == 0)] = Reject.NO_SOURCE
        rejects[(rejects == 0) & ((ports[0] == _NO_PORT) | (ports[1] == _NO_PORT))] = Reject.BAD_VALUE
        hi, lo = self._halves(source)
        dest_hi, dest_lo = self._halves(self._address_column(values.get("destination_ip"), length))
        return IngressBatch.filled(
            length, reject=rejects, source_hi=hi, source_lo=lo, source_port=np.maximum(ports[0], 0), dest_hi=dest_hi, dest_lo=dest_lo,
            dest_port=np.maximum(ports[1], 0), headers=np.where(rejects == reject, self._header_column(values, length, source, reject), 0),
            protocol=self._protocols.column(values["protocol"], "u1") if "protocol" in values else TCP,
            flags=self._flags(values, rejects), **self._times(values, length, live=live, read_us=read_us), **self._requests(values),
        )  # fmt: skip

    def _number(self, text: str) -> int:
        return self._vocabulary.number(text)

    def _trim(self) -> None:
        if len(self._pairs) > _MEMORY:
            self._pairs, self._pair_numbers = [NONE], {NONE: 0}
            self._addresses.clear()

    def _address(self, raw: bytes) -> int:
        pair = parse(raw.decode("ascii", "replace")) or NONE
        number = self._pair_numbers.get(pair)
        if number is None:
            number = self._pair_numbers[pair] = len(self._pairs)
            self._pairs.append(pair)
        return number

    def _address_column(self, values: Values | None, length: int) -> Array:
        return np.zeros(length, "i8") if values is None else self._addresses.column(values, "i8")

    def _halves(self, numbers: Array) -> tuple[Array, Array]:
        pairs = np.array(self._pairs, "u8")
        return pairs[numbers, 0], pairs[numbers, 1]

    def _port_column(self, values: Values | None, length: int) -> Array:
        return np.zeros(length, "i4") if values is None else self._ports.column(values, "i4")

    def _header_column(self, values: Mapping[str, Values], length: int, source: Array, reject: Reject) -> Array:
        """Numbers of header texts. A rejected payload recorded no header; a prefix that names the source itself says nothing."""
        names = () if reject else tuple(key for key in HEADER_KEYS if key in values)
        columns: list[Sequence[Any]] = [values[key] for key in names]
        if "prefix" in values:
            prefix = self._address_column(values["prefix"], length)
            tells = ((prefix != source) & (prefix != 0)).tolist()
            if any(tells):
                names = (*names, "prefix" if reject or "source_ip" in values else "logged")
                columns.append([raw if tell else None for raw, tell in zip(values["prefix"], tells, strict=True)])
        memory = self._headers.setdefault(names, _Memory(lambda row: self._number(_header_text(names, row))))
        return memory.column(list(zip(*columns, strict=True)) if columns else [()] * length, "u4")

    def _times(self, values: Mapping[str, Values], length: int, *, live: bool, read_us: int) -> dict[str, Array]:
        own = np.zeros(length, "i8")
        if "time" in values:
            own = self._local_times.column(values["time"], "i8")
        if "ts" in values:
            exact = self._seconds.column(values["ts"], "i8")
            own = np.where((exact > 0) | (own == 0), exact, own)
        future = own > read_us + _FUTURE_US
        unusable = (own <= 0) | future
        self.replaced_times.update(future=int(future.sum()), unreadable=int((own < 0).sum()))
        opened = np.zeros(length, "i8")
        if "connection_time" in values:
            age = self._seconds.column(values["connection_time"], "i8")
            opened = np.where(unusable | (age < 0), 0, own - age)
        source = np.where(unusable, TimeSource.LIVE if live else TimeSource.READ, TimeSource.LINE)
        return {"time_us": np.where(unusable, read_us, own), "time_source": source, "opened_us": opened}

    def _requests(self, values: Mapping[str, Values]) -> dict[str, Array | int]:
        found: dict[str, Array | int] = {"bytes_in": -1, "bytes_out": -1}
        for name in ("bytes_in", "bytes_out"):
            if name in values:
                found[name] = self._counts.column(values[name], "i8")
        if "uri" in values:
            found["path"] = self._paths.column(values["uri"], "u4")
        if "namespace" in values and "service" in values:
            found["service"] = self._services.column(list(zip(values["namespace"], values["service"], strict=True)), "u4")
        for name in TEXTS:
            if name in values and name not in found:
                found[name] = self._texts.column(values[name], "u4")
        return found

    def _flags(self, values: Mapping[str, Values], rejects: Array) -> Array:
        test = self._tests.column(values["user_agent"], "?") if "user_agent" in values else np.zeros(len(rejects), "?")
        return np.where(rejects > 0, int(Flag.REJECTED), 0) | np.where(test, int(Flag.TEST), 0)


def _port(raw: bytes) -> int:
    if raw in (b"", b"-"):
        return 0
    return int(raw) if raw.isdigit() and len(raw) <= 5 and int(raw) < 1 << 16 else _NO_PORT


def _count(raw: bytes) -> int:
    return int(raw) if raw.isdigit() and len(raw) < 19 else -1


def _shown(raw: bytes) -> str:
    r"""A header's or variable's bytes as text, bounded; bytes that are no UTF-8 appear as \\xNN, `-` as nothing."""
    text = raw[: 4 * _LONGEST_TEXT].decode("utf-8", "backslashreplace").replace("\x00", "\\x00")
    return "" if text == "-" else text[:_LONGEST_TEXT]


def _header_text(names: tuple[str, ...], row: tuple[bytes | None, ...]) -> str:
    values = {HEADER_KEYS.get(name, name): raw for name, raw in zip(names, row, strict=True)}
    shown = {name: raw.decode("utf-8", "backslashreplace") for name, raw in values.items() if raw is not None}
    return msgspec.json.encode(shown).decode() if shown else ""
