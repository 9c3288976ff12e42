"""Times as proxies write them, to microseconds UTC."""

import calendar
from datetime import UTC, datetime, timedelta

_MONTHS = {
    name: number
    for number, name in enumerate((b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"), 1)
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST_STAMP = len("1970-01-01T00:00:00Z")
_LATEST = 1 << 40  # seconds; beyond it a number is no time


def seconds_us(raw: bytes) -> int:
    """Seconds with an optional fraction (`1795292611.145`) in microseconds; -1 for anything else."""
    whole, _, fraction = raw.partition(b".")
    if not whole.isdigit() or not (fraction.isdigit() or not fraction) or len(whole) > 12 or int(whole) > _LATEST:
        return -1
    return int(whole) * 1_000_000 + int(fraction[:6].ljust(6, b"0") or 0)


def moment_us(raw: bytes) -> int:
    """A moment in seconds or as RFC 3339 writes it, with up to nanoseconds, in microseconds; -1 for anything else."""
    return _stamp_us(raw) if raw[10:11] == b"T" else seconds_us(raw)


def _stamp_us(raw: bytes) -> int:
    try:
        stamp = datetime.fromisoformat(raw.decode("ascii"))
        return (stamp - _EPOCH) // timedelta(microseconds=1) if len(raw) >= _SHORTEST_STAMP else -1
    except (ValueError, OverflowError, TypeError):  # TypeError: it has no zone
        return -1


def local_time_us(raw: bytes) -> int:
    """`23/Nov/2026:10:00:00 +0100` (nginx's $time_local) in microseconds; -1 for anything else."""
    try:
        day, month, year = int(raw[0:2]), _MONTHS[raw[3:6]], int(raw[7:11])
        hour, minute, second = int(raw[12:14]), int(raw[15:17]), int(raw[18:20])
        offset = (int(raw[22:24]) * 60 + int(raw[24:26])) * (-60 if raw[21:22] == b"-" else 60)
        return (calendar.timegm((year, month, day, hour, minute, second)) - offset) * 1_000_000
    except (KeyError, ValueError, OverflowError):
        return -1
