"""The query string as a filter and back, and the one shape of every error."""

import difflib
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from msgspec import Struct, json

from unmasq.base import safe
from unmasq.base.errors import UnmasqError, UsageError
from unmasq.base.moments import ago, parse, parse_duration, text
from unmasq.keep.ask.predicate import compiled
from unmasq.model.filter import FlowFilter

Pairs = Iterable[tuple[str, str]]

ALIASES = {"original_source_ip": "original_source", "x": "exclude"}
"""A word of the old how-to that stays valid, and the short one of the command line."""

ASIDE = ("limit", "after", "width", "field", "by", "new", "quick", "format")
"""Parameters of some questions that are no part of the filter."""

_SHORT = {"exclude": "x"}
_TIMES = ("since", "until", "last")
_LISTS = [f.name for f in fields(FlowFilter) if f.name not in ("since_us", "until_us")]


class Problem(Struct, frozen=True):
    """What happened, why, what to do next, and where in the request it lies (`query.port`), if there."""

    what: str
    why: str
    next: str
    path: str | None = None


class ErrorBody(Struct, frozen=True):
    """The body of every answer that is no answer."""

    error: Problem


class InvalidRequest(UsageError):
    """A part of a request that cannot be understood; `path` says which."""

    def __init__(self, cause: UnmasqError, path: str) -> None:
        super().__init__(cause.what, cause.why, cause.next_step)
        self.path = path


def body_of(answer: object) -> bytes:
    """An answer as everybody gets it, over HTTP and from `-o json`; also on a terminal it does no harm."""
    return safe.json(json.encode(answer)) + b"\n"


def problem(error: UnmasqError) -> ErrorBody:
    """An error as a body."""
    return ErrorBody(Problem(error.what, error.why, error.next_step, getattr(error, "path", None)))


def filter_of(query: Pairs, now_us: int) -> FlowFilter:
    """The filter that a query string means; `-` and `_` are the same in names. Raises InvalidRequest."""
    lists: dict[str, list[str]] = {}
    times: dict[str, str] = {}
    for key, value in query:
        name = _name(key)
        if name in _TIMES:
            times[name] = value
        else:
            lists.setdefault(name, []).append(value)
    known: dict[str, Any] = {name: _values(name, values) for name, values in lists.items()}
    return FlowFilter(**known | _window(times, now_us))


def query_of(wanted: FlowFilter) -> list[tuple[str, str]]:
    """The query string that means a filter."""
    pairs = [(name, str(value)) for name in _LISTS for value in getattr(wanted, name)]
    times = (("since", wanted.since_us), ("until", wanted.until_us))
    return pairs + [(name, text(us)) for name, us in times if us is not None]


def number(value: str, name: str) -> int:
    """A whole number of a query. Raises InvalidRequest."""
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    raise InvalidRequest(UsageError(f"not a number: {value!r}", f"{name} counts something", "write it like 100"), f"query.{name}")


def is_yes(value: str, name: str) -> bool:
    """Whether a switch of a query is on. Raises InvalidRequest."""
    if value in ("true", "false"):
        return value == "true"
    raise InvalidRequest(UsageError(f"neither true nor false: {value!r}", f"{name} is a switch", "write true or false"), f"query.{name}")


def length(value: str, name: str) -> int:
    """A length of time of a query, in microseconds. Raises InvalidRequest."""
    try:
        return parse_duration(value)
    except UsageError as error:
        raise InvalidRequest(error, f"query.{name}") from None


def _name(key: str) -> str:
    name = key.replace("-", "_")
    name = ALIASES.get(name, name)
    if name in _LISTS or name in _TIMES:
        return name
    known = [*_LISTS, *_TIMES, "x", *ASIDE]
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}?" if close else "known are " + ", ".join(known)
    raise InvalidRequest(UsageError(f"unknown parameter {key!r}", "no filter is called that", hint), f"query.{key}")


def _values(name: str, values: list[str]) -> tuple[str, ...] | tuple[int, ...]:
    found = tuple(number(value, name) for value in values) if name == "port" else tuple(values)
    alone: dict[str, Any] = {name: found}
    try:
        compiled(FlowFilter(**alone))
    except UsageError as error:
        raise InvalidRequest(error, f"query.{_SHORT.get(name, name)}") from None
    return found


def _window(times: dict[str, str], now_us: int) -> dict[str, int]:
    found = {}
    for name, value in times.items():
        try:
            us = ago(value, now_us) if name == "last" else parse(value, now_us)
        except UsageError as error:
            raise InvalidRequest(error, f"query.{name}") from None
        found["until_us" if name == "until" else "since_us"] = us
    return found
