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

from unmasq.base.telemetry import Counters

MOST_PODS = 512
_MOST_BYTES = 1 << 16
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?")

Signature = tuple[int, int, int]
"""What tells one state of a file from another: inode, size, time of its last change in nanoseconds."""


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


def identity_of(data: bytes) -> Identity | None:
    """What a credentials file says; None if it is none. Namespace and workload must be names, the rest may be missing."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return None
    fields = {key.lower(): value for key, value in told.items()} if isinstance(told, dict) else {}
    values = [fields.get(name, "") for name in ("uid", "workload", "namespace", "serviceaccount")]
    if not all(isinstance(value, str) and (not value or _NAME.fullmatch(value)) for value in values):
        return None
    identity = Identity(*values)
    return identity if identity.workload and identity.namespace else None


class Credentials:
    """The credentials files of a folder, looked at again and again. What is no identity is counted once, until it changes."""

    def __init__(self, folder: Path, counters: Counters) -> None:
        self._folder, self._counters = folder, counters
        self._seen: dict[str, tuple[Signature, Identity | None]] = {}
        self._passed_over: set[str] = set()

    def read(self) -> dict[str, Identity]:
        """The pods that have a socket now, by the id of their volume."""
        found = dict(self._files())
        for name in self._seen.keys() - found.keys():
            del self._seen[name]
        for name, signature in found.items():
            if name not in self._seen or self._seen[name][0] != signature:
                self._seen[name] = (signature, self._identity(name))
        return {name: identity for name, (_, identity) in self._seen.items() if identity}

    def _files(self) -> Iterator[tuple[str, Signature]]:
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json"))
        except OSError as error:
            self._counters.add("policy_sync_folder_failed", reason=errno.errorcode.get(error.errno or 0, "unknown"))
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
        self._passed_over = odd | beyond

    def _identity(self, name: str) -> Identity | None:
        try:
            identity = identity_of(_content(self._folder / f"{name}.json"))
        except OSError as error:
            self._counters.add("policy_sync_credentials_refused", reason=errno.errorcode.get(error.errno or 0, "unknown"))
            return None
        self._counters.add("policy_sync_credentials_refused", int(identity is None), "garbage")
        return identity


def _content(path: Path) -> bytes:
    """The bytes of a regular file, at most so many that a longer one is no credentials file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _MOST_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
