"""The old collector's environment variables, with their names, defaults and meanings.

0, an empty text or an absent variable means the default. Anything that cannot be meant is an error that names the variable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmasq.base.errors import UsageError
from unmasq.base.notes import Level

INTERVAL = "INGRESS_LOG_INTERVAL_SECONDS"
REQUESTS = "INGRESS_LOG_REQUESTS_PER_INTERVAL"
PATH = "INGRESS_LOG_PATH"
TARGET = "FELIX_DIAL_TARGET"
LEVEL = "LOG_LEVEL"

_LONGEST_INTERVAL_SECONDS = 3600
_LONGEST_SOCKET_PATH = 107  # what the kernel takes
_LEVELS = {level.name.lower(): level for level in Level} | {"warn": Level.WARNING}


@dataclass(frozen=True)
class CollectorSettings:
    """What the environment says."""

    interval_seconds: int = 5
    """How often reports are sent to Felix. Our own node gets lines as they come."""
    most_addresses: int = 10
    """Distinct addresses that the reports of one interval name, all connections together; negative: all."""
    path: str = "/var/log/calico/ingress/ingress.log"
    target: str = "/var/run/felix/nodeagent/socket"
    """The socket's path."""
    level: Level = Level.PANIC


def settings_of(environment: Mapping[str, str]) -> CollectorSettings:
    """The settings of an environment. Raises UsageError."""
    told = told_by(environment)
    default = CollectorSettings()
    return CollectorSettings(
        interval_seconds=_interval(told.get(INTERVAL)) or default.interval_seconds,
        most_addresses=_whole(REQUESTS, told.get(REQUESTS)) or default.most_addresses,
        path=told.get(PATH, default.path),
        target=_target(told.get(TARGET, default.target)),
        level=_level(told[LEVEL]) if LEVEL in told else default.level,
    )


def told_by(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a collector that an environment sets, as texts."""
    told = {name: environment.get(name, "").strip() for name in (INTERVAL, REQUESTS, PATH, TARGET, LEVEL)}
    return {name: text for name, text in told.items() if text not in ("", "0")}


def is_beside(environment: Mapping[str, str]) -> bool:
    """Whether this is the place of a collector: its variables are here, or what is mounted at their defaults."""
    default = CollectorSettings()
    return named_by(environment) or any(Path(place).parent.is_dir() for place in (default.path, default.target))


def named_by(environment: Mapping[str, str]) -> bool:
    """Whether an environment names the log or the socket of a collector."""
    return not told_by(environment).keys().isdisjoint((PATH, TARGET))


def _whole(name: str, text: str | None) -> int:
    if text is None:
        return 0
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise UsageError(f"{name} is no number: {text!r}", "it must be a whole number", f"leave {name} out for the default")
    return int(text)


def _interval(text: str | None) -> int:
    seconds = _whole(INTERVAL, text)
    if not 0 <= seconds <= _LONGEST_INTERVAL_SECONDS:
        why = f"it must be 1 to {_LONGEST_INTERVAL_SECONDS} seconds"
        raise UsageError(f"{INTERVAL} cannot be {seconds}", why, f"leave {INTERVAL} out for the default")
    return seconds


def _target(text: str) -> str:
    """The path of `unix:PATH`, `unix://PATH` or a bare path."""
    path = text.removeprefix("unix:")
    path = path.removeprefix("//") if path.startswith("///") else path
    if not path.startswith("/") or "\0" in path:
        why = "it must be the absolute path of a socket"
        raise UsageError(f"{TARGET} is no path: {text!r}", why, f"write it like {CollectorSettings.target}")
    if len(path.encode()) > _LONGEST_SOCKET_PATH:
        why = f"the kernel takes {_LONGEST_SOCKET_PATH} bytes"
        raise UsageError(f"{TARGET} is too long: {text!r}", why, "mount the socket's directory at a shorter path")
    return path


def _level(text: str) -> Level:
    level = _LEVELS.get(text.lower())
    if level is None:
        known = ", ".join(level.name.capitalize() for level in reversed(Level))
        raise UsageError(f"{LEVEL} is no level: {text!r}", "there are seven", f"one of {known}")
    return level
