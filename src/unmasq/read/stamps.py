"""RFC 3339 times as container runtimes write them, of many lines at once: `2026-11-25T08:00:00.123456789Z`, `...+01:00`.

A fraction may have 1 to 9 digits or be missing (Go leaves out zeros at its end); a zone is `Z` or an offset.
"""

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import DAY_US, MICROSECONDS
from unmasq.model.columns import Array

SHORTEST, LONGEST = 20, 35
"""Bytes that a time may have."""

_SECONDS = 19  # bytes up to the seconds
_FRACTION = slice(_SECONDS + 1, _SECONDS + 7)
_OFFSET = np.array([-6, -5, -4, -2, -1])  # of `+01:00`: the sign and four digits
_DIGITS = np.array([0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18])
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DAYS_BEFORE = np.cumsum(_MONTH_DAYS) - _MONTH_DAYS
_EPOCH_DAYS = 719_162  # from 0001-01-01 to 1970-01-01


def times_us(stamps: Array, widths: Array) -> NDArray[np.int64]:
    """Microseconds UTC of times, one a row of LONGEST bytes (u1) of which the first `widths` count; 0 where it is none."""
    new = np.ones(len(stamps), "?")
    new[1:] = (stamps[1:, :_SECONDS] != stamps[:-1, :_SECONDS]).any(axis=1)  # most lines have the second of the line before
    seconds = _seconds(_digits(stamps[new][:, _DIGITS]))[np.cumsum(new) - 1]
    zones, is_zone = _zones(stamps, widths)
    times = seconds * MICROSECONDS + _fractions(stamps) - zones
    return np.where((seconds >= 0) & is_zone, times, 0)


def _digits(characters: Array) -> Array:
    """The digits, as u1; more than 9 for what is none."""
    return characters - np.uint8(ord("0"))


def _seconds(digits: Array) -> NDArray[np.int64]:
    """Seconds since 1970 of YYYYMMDDhhmmss; -1 where that is no time."""
    d = digits.astype("i8")
    year = d[:, 0] * 1000 + d[:, 1] * 100 + d[:, 2] * 10 + d[:, 3]
    month, day, hour, minute, second = (d[:, at] * 10 + d[:, at + 1] for at in range(4, 14, 2))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    is_month = (month >= 1) & (month <= 12)
    month = np.where(is_month, month, 0)
    is_day = (day >= 1) & (day <= _MONTH_DAYS[month] + (leap & (month == 2)))
    possible = (digits < 10).all(axis=1) & (year >= 1970) & is_month & is_day & (hour < 24) & (minute < 60) & (second < 61)
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + _DAYS_BEFORE[month] + (leap & (month > 2)) + day - 1
    return np.where(possible, (days - _EPOCH_DAYS) * (DAY_US // MICROSECONDS) + hour * 3600 + minute * 60 + second, -1)


def _fractions(stamps: Array) -> NDArray[np.int64]:
    """Microseconds of the fractions, 0 where there is none."""
    has_fraction = stamps[:, _SECONDS] == ord(".")
    micros, going = np.zeros(len(stamps), "i8"), has_fraction
    for digit, weight in zip(_digits(stamps[:, _FRACTION]).T, (100_000, 10_000, 1000, 100, 10, 1), strict=True):
        going = going & (digit < 10)
        micros += np.where(going, digit.astype("i8") * weight, 0)
    return micros


def _zones(stamps: Array, widths: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Microseconds that each zone is before UTC, and whether it is a zone at all."""
    is_zone = stamps[np.arange(len(stamps)), widths - 1] == ord("Z")
    zones = np.zeros(len(stamps), "i8")
    rows = np.flatnonzero(~is_zone & (widths >= SHORTEST + len("+01:00") - 1))
    if len(rows):
        taken = stamps[rows[:, None], widths[rows, None] + _OFFSET]
        digits = _digits(taken[:, 1:])
        is_zone[rows] = (digits < 10).all(axis=1) & np.isin(taken[:, 0], (ord("+"), ord("-")))
        minutes = digits.astype("i8") @ np.array([600, 60, 10, 1])
        zones[rows] = np.where(taken[:, 0] == ord("-"), -minutes, minutes) * (60 * MICROSECONDS)
    return zones, is_zone
