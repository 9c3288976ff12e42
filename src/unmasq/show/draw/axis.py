"""Where an axis has its ticks: at round counts, and at moments that a calendar knows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from unmasq.base.clock import MICROSECONDS
from unmasq.base.moments import moment

_SECONDS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
_HOURS = (1, 2, 3, 6, 12, 24, 48, 168, 336)
_STEPS = (*(timedelta(seconds=each) for each in _SECONDS), *(timedelta(hours=each) for each in _HOURS))
_MONTHS = (1, 3, 6, 12, 60, 120, 1200)
_LONGEST_MONTH = timedelta(days=31)
_MONDAY = datetime(2001, 1, 1)  # noqa: DTZ001 - a wall clock's: in which zone it hangs is asked last
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def top(most: int) -> int:
    """The round count at the upper end of an axis that reaches `most`, at least 1; from 2 on half of it is a whole number, too."""
    power = 1
    while power * 10 < most:
        power *= 10
    return next(each * power for each in (1, 2, 4, 6, 8, 10) if each * power >= most)


def moments(first_us: int, last_us: int, zone: tzinfo | None, most: int) -> tuple[list[int], bool]:
    """At most `most` moments from first to last that are round on a clock in the zone; whether they are all midnights."""
    length = timedelta(microseconds=last_us - first_us)
    local = moment(first_us).astimezone(zone).replace(tzinfo=None)
    step = next((each for each in _STEPS if length <= each * (most - 1)), None)
    walls = _steps(local, step, most) if step else _months(local, length, most)
    found = {_us(wall, zone) for wall in walls}
    return sorted(us for us in found if first_us <= us <= last_us), step is None or step >= timedelta(days=1)


def _steps(local: datetime, step: timedelta, most: int) -> Iterator[datetime]:
    start = _MONDAY + (local - _MONDAY) // step * step
    yield from (start + at * step for at in range(most + 1))


def _months(local: datetime, length: timedelta, most: int) -> Iterator[datetime]:
    months = next((each for each in _MONTHS if length <= each * _LONGEST_MONTH * (most - 1)), _MONTHS[-1])
    start = (local.year * 12 + local.month - 1) // months * months
    for at in range(start, start + (most + 1) * months, months):
        if 12 <= at < 12 * 10_000:
            yield datetime(at // 12, at % 12 + 1, 1)  # noqa: DTZ001 - as above


def _us(wall: datetime, zone: tzinfo | None) -> int:
    """What the wall clock of the zone shows, as microseconds since 1970; a zone of None is the machine's own."""
    return (wall.replace(tzinfo=zone).astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def is_to_the_minute(moments_us: list[int]) -> bool:
    """Whether none of them needs its seconds written."""
    return not any(us % (60 * MICROSECONDS) for us in moments_us)
