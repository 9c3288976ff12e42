"""Look versions up in a folder of advisories: OSV in JSON, one to a file, as osv.dev exports it and GitHub's advisory database has it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

LOWEST = Version("0.dev0")
"""What an advisory means by introduced in 0: below every version."""
ORDER = {"fixed": 0, "introduced": 1, "last_affected": 2}
"""Of events at one version: what is mended there may come back there, and what comes there may end there."""


class Asked(NamedTuple):
    """A version of a package that is looked up; the name as lock files have it."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Finding(NamedTuple):
    """An advisory that speaks of a version: its names, first its own; the versions that mend it; what it is about."""

    asked: Asked
    names: tuple[str, ...]
    fixed: tuple[str, ...]
    summary: str


class Outcome(NamedTuple):
    """What came of looking up: where that was, what was found, and what was missed, each with the reason."""

    where: str
    findings: list[Finding]
    missed: list[tuple[str, str]]


class Package(msgspec.Struct):
    """Where a package is published, and its name there."""

    ecosystem: str = ""
    name: str = ""


class Range(msgspec.Struct):
    """From version to version, or of another type from commit to commit."""

    type: str = ""
    events: list[dict[str, str]] = []


class Affected(msgspec.Struct):
    """The versions of one package that an advisory speaks of."""

    package: Package = msgspec.field(default_factory=Package)
    ranges: list[Range] = []
    versions: list[str] = []

    def name(self) -> str:
        """As lock files have it; empty: this is no package of Python. Behind a colon may stand in which index it lies."""
        return canonicalize_name(self.package.name) if self.package.ecosystem.partition(":")[0] == "PyPI" else ""

    def events(self) -> list[list[tuple[str, str]]]:
        """What happens at which version, for each range."""
        return [[item for event in each.events for item in event.items()] for each in self.ranges if each.type == "ECOSYSTEM"]


class Advisory(msgspec.Struct):
    """What is read of an OSV file."""

    id: str
    modified: str
    affected: list[Affected] = []
    aliases: list[str] = []
    summary: str = ""
    withdrawn: str | None = None


def look_up(folder: Path, asked: Iterable[Asked]) -> Outcome:
    """What the advisories below the folder say of the versions; a file that cannot be read or compared is missed."""
    wanted = sorted(set(asked))
    days: list[str] = []
    findings: list[Finding] = []
    missed: list[tuple[str, str]] = []
    for path in _files(folder):
        try:
            advisory = msgspec.json.decode(path.read_bytes(), type=Advisory)
            days += [advisory.modified[:10]] * any(each.name() for each in advisory.affected)
            findings += _findings(advisory, wanted)
        except (OSError, ValueError) as error:  # msgspec's errors and InvalidVersion are ValueErrors
            missed.append((str(path.relative_to(folder)), str(error)))
    newest = f", the newest of {max(days)}" if days else ""
    return Outcome(f"{len(days)} advisories on Python packages below {folder}{newest}", findings, missed)


def _files(folder: Path) -> Iterator[Path]:
    """The JSON below the folder, in the order of the names; what lies hidden there, as .git, holds no advisories."""
    for path in sorted(folder.rglob("*.json")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _findings(advisory: Advisory, wanted: list[Asked]) -> list[Finding]:
    """What it says of the versions. ValueError: it speaks of one of the packages in a way that cannot be compared."""
    if advisory.withdrawn is not None:
        return []
    found = [(asked, each) for each in advisory.affected for asked in wanted if asked.name == each.name()]
    names = (advisory.id, *advisory.aliases)
    return [Finding(asked, names, _fixed(each), advisory.summary) for asked, each in found if is_affected(asked.version, each)]


def is_affected(text: str, affected: Affected) -> bool:
    """Whether the version is one of those that are listed, or lies in a range. ValueError: that cannot be told."""
    version, ranges = Version(text), affected.events()
    if not ranges and not affected.versions:
        raise ValueError(f"it names no versions of {affected.name()} that could be compared")
    return any(_lies_in(version, events) for events in ranges) or any(_is(version, each) for each in affected.versions)


def _lies_in(version: Version, events: list[tuple[str, str]]) -> bool:
    """As the last event tells that is not above the version."""
    inside = False
    known = [(LOWEST if at == "0" else Version(at), ORDER[kind], kind) for kind, at in events if kind in ORDER]
    for at, _, kind in sorted(known):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def _is(version: Version, listed: str) -> bool:
    """Whether a listed version is this one; of old packages some are no versions in today's sense, and so none of ours."""
    try:
        return Version(listed) == version
    except InvalidVersion:
        return False


def _fixed(affected: Affected) -> tuple[str, ...]:
    return tuple(at for events in affected.events() for kind, at in events if kind == "fixed")
