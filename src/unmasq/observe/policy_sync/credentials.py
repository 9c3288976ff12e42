"""Who may speak on a socket: the credentials that the driver of the pod's volume wrote.

A folder `creds` holds a file `ID.json` for each volume: {"Uid", "Workload", "Namespace", "ServiceAccount"}, its keys in any
case. Whoever holds the volume's socket speaks for that pod: nothing else is asked.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from unmasq.base.safe import shortened, terminal
from unmasq.base.telemetry import Counters

MOST_PODS = 512
_MOST_BYTES = 1 << 16
_MOST_SHOWN = 80
_MOST_ODD = 10
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?")

Signature = tuple[int, int, int]
"""What tells one state of a file from another: inode, size, time of its last change in nanoseconds."""


class NotUnderstood(ValueError):
    """Why a file is no credentials file. Never leaves the package: it becomes a sentence."""


class Identity(NamedTuple):
    """A pod, as the driver names it."""

    uid: str
    workload: str
    namespace: str
    service_account: str

    @property
    def reporter(self) -> str:
        """`NAMESPACE/POD`. Never reads as an address."""
        return f"{self.namespace}/{self.workload}"


def identity_of(data: bytes) -> Identity:
    """What a credentials file says. Namespace and workload must be names, the rest may be missing. Raises NotUnderstood."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        raise NotUnderstood("it is empty" if not data else "it is no JSON") from None
    if not isinstance(told, dict):
        raise NotUnderstood("it is no JSON object")
    fields = {key.lower(): value for key, value in told.items()}
    uid, workload, namespace, account = (_field(fields, name) for name in ("Uid", "Workload", "Namespace", "ServiceAccount"))
    for name, value in (("Workload", workload), ("Namespace", namespace)):
        if not value:
            raise NotUnderstood(f"it names no {name}")
    return Identity(uid, workload, namespace, account)


def _field(fields: dict[str, object], name: str) -> str:
    value = fields.get(name.lower(), "")
    if not isinstance(value, str) or (value and not _NAME.fullmatch(value)):
        raise NotUnderstood(f"its {name} is no name: {shortened(json.dumps(value), _MOST_SHOWN)}")
    return value


class Credentials:
    """The credentials files of a folder, looked at again and again. What is no identity is counted once, until it changes."""

    def __init__(self, folder: Path, counters: Counters) -> None:
        self._folder, self._counters = folder, counters
        self._seen: dict[str, tuple[Signature, Identity | str]] = {}
        self._passed_over: set[str] = set()
        self._odd: set[str] = set()
        self._beyond = 0
        self._closed = ""
        self.troubles: list[str] = []
        """Which files are of no use, and why, as sentences for a person: as it was at the last look."""

    def read(self) -> dict[str, Identity]:
        """The pods that have a socket now, by the id of their volume."""
        found = dict(self._files())
        for name in self._seen.keys() - found.keys():
            del self._seen[name]
        for name, signature in found.items():
            if name not in self._seen or self._seen[name][0] != signature:
                self._seen[name] = (signature, self._identity(name))
        self.troubles = list(self._told())  # a new one: others are looking at the old
        return {name: identity for name, (_, identity) in self._seen.items() if isinstance(identity, Identity)}

    def _told(self) -> Iterator[str]:
        if self._closed:
            yield f"{self._folder} cannot be listed: {self._closed}"
        yield from (f"{name}.json {trouble}" for name, (_, trouble) in self._seen.items() if isinstance(trouble, str))
        for name in sorted(self._odd)[:_MOST_ODD]:
            yield f"{shortened(terminal(name), _MOST_SHOWN)}.json is passed over: that is no name for a volume"
        if self._beyond:
            yield f"{self._beyond} files are passed over: {MOST_PODS} are looked into"

    def _files(self) -> Iterator[tuple[str, Signature]]:
        self._closed = ""
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json"))
        except OSError as error:
            self._counters.add("policy_sync_folder_failed", reason=errno.errorcode.get(error.errno or 0, "unknown"))
            self._closed = error.strerror or str(error)
            return
        ids = [name for name in names if _ID.fullmatch(name)]
        self._pass_over(set(names).difference(ids), set(ids[MOST_PODS:]))
        for name in ids[:MOST_PODS]:
            try:
                status = (self._folder / f"{name}.json").lstat()
            except OSError:  # gone meanwhile
                continue
            yield name, (status.st_ino, status.st_size, status.st_mtime_ns)

    def _pass_over(self, odd: set[str], beyond: set[str]) -> None:
        """Count files that are not looked into, each once."""
        self._counters.add("policy_sync_credentials_refused", len(odd - self._passed_over), "name")
        self._counters.add("policy_sync_credentials_refused", len(beyond - self._passed_over), "too_many")
        self._passed_over, self._odd, self._beyond = odd | beyond, odd, len(beyond)

    def _identity(self, name: str) -> Identity | str:
        """Whose it is, or why that cannot be known."""
        try:
            return identity_of(_content(self._folder / f"{name}.json"))
        except OSError as error:
            self._counters.add("policy_sync_credentials_refused", reason=errno.errorcode.get(error.errno or 0, "unknown"))
            return f"cannot be read: {'it is a link' if error.errno == errno.ELOOP else error.strerror}"
        except NotUnderstood as error:
            self._counters.add("policy_sync_credentials_refused", reason="garbage")
            return f"is not understood: {error}"


def _content(path: Path) -> bytes:
    """The bytes of a regular file, at most so many that a longer one is no credentials file. Raises OSError, NotUnderstood."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotUnderstood("it is no plain file")
        return os.read(descriptor, _MOST_BYTES)
    finally:
        os.close(descriptor)
