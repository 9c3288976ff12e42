"""The country of an address and the owner of its network, from files that the user names: MMDB, or CSV.

Read are what MaxMind calls City, Country and ASN, files of the same shape by others, `{"country_code": "US"}`, and the two
shapes of CSV that `ranges` knows.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import maxminddb

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import InputError
from unmasq.enrich import ranges
from unmasq.model.address import parse, to_text

LOOK_AGAIN_US = 60 * MICROSECONDS
_LONGEST = 200
_AGELESS_US = 1_000_000_000 * MICROSECONDS  # a file from before 2001 was unpacked from an archive that keeps no times


class Place(NamedTuple):
    """Where an address is, as far as a file knows: a country's two letters, a network's number and its owner."""

    country: str | None = None
    asn: int | None = None
    owner: str | None = None


class Source(NamedTuple):
    """A file: what it calls itself, of when its data is (None: it does not tell), and why its newest version is not in use."""

    path: Path
    name: str
    built_us: int | None
    trouble: str | None = None


class _Lookup(Protocol):
    def __call__(self, hi: int, lo: int, /) -> Place: ...


class Geo:
    """All files together; of two that know the same, the first is asked. Threads may share it.

    A file that was replaced is taken up at the next question, at most every LOOK_AGAIN_US; one that became bad leaves the last
    good one in use.
    """

    def __init__(self, files: Sequence["_File"], clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._looked_us = clock.now_us()
        self._looking = threading.Lock()

    @classmethod
    def open(cls, paths: Iterable[Path], clock: Clock) -> "Geo":
        """Raises InputError for a file that is missing or of no known shape."""
        return cls([_File(path) for path in paths], clock)

    @property
    def sources(self) -> list[Source]:
        """The files, in the order in which they are asked."""
        return [file.source for file in self._files]

    def of(self, ip: str) -> Place | None:
        """What is known of a global address; None for any other, and where no file knows it."""
        pair = parse(ip)
        if pair is None or not ip_address(to_text(*pair)).is_global:
            return None
        self._look_again()
        found = [file.lookup(*pair) for file in self._files]
        country = next((place.country for place in found if place.country), None)
        network = next((place for place in found if place.asn is not None), Place())
        return Place(country, network.asn, network.owner) if country or network.asn is not None else None

    def _look_again(self) -> None:
        now_us = self._clock.now_us()
        if abs(now_us - self._looked_us) < LOOK_AGAIN_US or not self._looking.acquire(blocking=False):
            return  # whoever reads a file keeps nobody waiting
        try:
            self._looked_us = now_us
            for file in self._files:
                file.take_up()
        finally:
            self._looking.release()


class _File:
    """One file, as it was last read without trouble."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _identity(path)
        self.source, self.lookup = _read(path, self._seen.changed_us)

    def take_up(self) -> None:
        """Read it again if it is another one by now."""
        try:
            seen = _identity(self._path)
            if seen == self._seen:
                return
            self._seen = seen
            self.source, self.lookup = _read(self._path, seen.changed_us)
        except InputError as error:
            self.source = self.source._replace(trouble=f"{error.what}: {error.why}")


class _Identity(NamedTuple):
    """Which file it is: another one differs in something of it."""

    device: int
    inode: int
    size: int
    changed_us: int


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(f"cannot read {path}", error.strerror or str(error), "name a file with --geo that is there") from error
    return _Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns // 1000)


def _read(path: Path, changed_us: int) -> tuple[Source, _Lookup]:
    if path.suffix.lower() == ".csv":
        return Source(path, path.name, changed_us if changed_us > _AGELESS_US else None), partial(_in_ranges, ranges.read(path))
    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)  # a map of a file that is overwritten ends the process
        about = reader.metadata()
    except (OSError, ValueError, *_BROKEN) as error:
        raise InputError(f"cannot use {path}", _why(error), "a file is MMDB, or its name ends in .csv") from error
    return Source(path, str(about.database_type)[:_LONGEST] or path.name, int(about.build_epoch) * MICROSECONDS), partial(_in_mmdb, reader)


_BROKEN = (maxminddb.InvalidDatabaseError, LookupError, TypeError, RecursionError, MemoryError)
"""What reading a damaged MMDB may end in; a ValueError, too, which also says that it holds no IPv6."""


def _why(error: BaseException) -> str:
    return str(error) if isinstance(error, OSError | maxminddb.InvalidDatabaseError) else "it is damaged"


def _in_ranges(found: ranges.Ranges, hi: int, lo: int) -> Place:
    beside = found.of(hi, lo)
    if beside is None or not beside[0]:
        return Place()
    return Place(beside[0].upper()) if len(beside) == 1 else Place(None, int(beside[0]), beside[1] or None)


def _in_mmdb(reader: maxminddb.Reader, hi: int, lo: int) -> Place:
    try:
        record = reader.get(to_text(hi, lo))
    except (ValueError, *_BROKEN):
        return Place()
    if not isinstance(record, Mapping):
        return Place()
    number, owner = record.get("autonomous_system_number"), _text(record.get("autonomous_system_organization"))
    return Place(_country(record), number if isinstance(number, int) else None, owner)


def _country(record: Mapping[str, Any]) -> str | None:
    """Where it is used, else where it is registered."""
    for name in ("country", "registered_country"):
        inside = record.get(name)
        if isinstance(inside, Mapping) and (code := _text(inside.get("iso_code"))):
            return code
    return _text(record.get("country_code"))


def _text(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value else None
