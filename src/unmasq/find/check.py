"""One link from log to store, as `unmasq doctor` shows it."""

from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """How a link is."""

    OK = "ok"
    WARN = "warn"
    BROKEN = "broken"


class Check(Struct, frozen=True):
    """One link: its state, what was seen, and what to do where it is not well."""

    link: str
    state: State
    seen: str
    next: str = ""
