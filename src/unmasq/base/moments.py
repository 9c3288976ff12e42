"""Moments as text: RFC 3339 at every exit, RFC 3339 or "10m ago" at every entry."""

import re
from datetime import UTC, datetime, timedelta

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = 253_402_300_799_999_999  # 9999-12-31: what is named behind it, in a zone of the west, is no date any more
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d|w)")
_UNITS_US = {
    "ms": 1000,
    "s": MICROSECONDS,
    "m": 60 * MICROSECONDS,
    "h": 3600 * MICROSECONDS,
    "d": 86_400 * MICROSECONDS,
    "w": 7 * 86_400 * MICROSECONDS,
}


def moment(us: int) -> datetime:
    """Microseconds since 1970 as a date in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def text(us: int) -> str:
    """RFC 3339 with microseconds and Z."""
    return moment(us).isoformat(timespec="microseconds").replace("+00:00", "Z")


def text_or_none(us: int | None) -> str | None:
    """RFC 3339, or None for an unknown time: what JSON wants."""
    return None if us is None else text(us)


def parse_duration(words: str) -> int:
    """Microseconds of `30s`, `10m`, `2h`, `2d`, `1w`. Raises UsageError."""
    match = _DURATION.fullmatch(words.strip().lower())
    if match is None:
        raise UsageError(f"not a length of time: {words!r}", "it is a number and a unit", "write it like 30s, 10m, 2h, 2d or 1w")
    return int(match[1]) * _UNITS_US[match[2]]


def duration(us: int) -> str:
    """A length of time as `parse_duration` reads it, in the largest unit that makes it whole; shorter than a millisecond is one."""
    unit = next((unit for unit in ("w", "d", "h", "m", "s") if us and us % _UNITS_US[unit] == 0), "ms")
    return f"{max(1, us // _UNITS_US[unit])}{unit}"


def ago(words: str, now_us: int) -> int:
    """The moment that lies a length of time before now, not before 1970. Raises UsageError."""
    return max(now_us - parse_duration(words), 0)


def parse(words: str, now_us: int) -> int:
    """Microseconds since 1970 of an RFC 3339 time, or of so long before now (`10m`). Raises UsageError.

    A time without a zone is UTC, a date alone its first moment; what lies before 1970 or behind 9999 ends there.
    """
    words = words.strip()
    if _DURATION.fullmatch(words.lower()):
        return ago(words, now_us)
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        raise UsageError(
            f"not a time: {words!r}", "it is neither RFC 3339 nor a length", "write it like 2026-11-24T08:00:00Z or 10m"
        ) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return min(max((found - _EPOCH) // timedelta(microseconds=1), 0), _LAST_US)
