"""Where settings come from: flags, then UNMASQ_* of the environment, then a TOML file, then the defaults.

The file has a table for each verb with the names of its flags, and, above them, what several verbs share:

    store = "/var/lib/unmasq"
    [flows]
    output = "wide"
"""

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection
from cyclopts.config import Dict, Env

from unmasq.base.errors import UsageError

PREFIX = "UNMASQ_"
SHARED = ("store", "output", "utc")
"""Settings that may stand above the tables, for every verb that has a flag of that name."""

_sources: list[Any] = []


def use(path: Path | None, verbs: Iterable[str]) -> list[Any]:
    """What is asked in turn for a setting that no flag gives. Raises UsageError for a file that cannot be understood."""
    _sources[:] = [Env(PREFIX, command=False, show=False), *([File(path, verbs)] if path else [])]
    return _sources


def current() -> list[Any]:
    """What is in use in this run."""
    return _sources


class File:
    """Settings of one TOML file. An unknown key is refused, with what was perhaps meant."""

    def __init__(self, path: Path, verbs: Iterable[str]) -> None:
        self.path = path
        self._tables = _read(path)
        shared = {key for key, value in self._tables.items() if not isinstance(value, dict)}
        self._check(shared, SHARED)
        self._check(self._tables.keys() - shared, verbs)

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        """Give the verb what its table says, and what it shares."""
        names = {name for argument in arguments for name in argument.names}
        own: dict[str, Any] = {key: self._tables[key] for key in SHARED if key in self._tables and f"--{key}" in names}
        table: Any = self._tables
        for command in commands:
            table = table.get(command, {}) if isinstance(table, dict) else {}
        section = {key: value for key, value in table.items() if key not in app}
        self._check(section, [name.removeprefix("--") for name in sorted(names) if name.startswith("--")])
        own |= section
        Dict(own, source=str(self.path), use_commands_as_keys=False)(app, commands, arguments)

    def _check(self, keys: Iterable[str], known: Iterable[str]) -> None:
        known = list(known)
        for key in keys:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {close[0]}?" if close else "known are " + ", ".join(known)
                raise UsageError(f"unknown key {key!r} in {self.path}", "nothing is set by that name", hint)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the settings in {path}", str(error.strerror), "name another file with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML", str(error), "see `unmasq config view` for the names") from None
