"""A socket on which syslog datagrams come in: bound without taking anybody else's, and taken away again."""

import os
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from unmasq.base.errors import InputError

BUFFER_BYTES = 16 << 20
"""What the kernel may hold of one socket while nobody reads; it gives what it is allowed to."""
_QUEUE = Path("/proc/sys/net/unix/max_dgram_qlen")
_MODE = 0o666  # as /dev/log: proxies run as other users, so the folder decides who may send
_SO_RCVBUFFORCE, _SO_RXQ_OVFL = 33, 40  # Linux's numbers, which Python does not name


class Place(NamedTuple):
    """A Unix socket by its path, or a UDP port on an address."""

    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Endpoint:
    """The socket at a place. Raises InputError where there cannot be one.

    `place` names the port that it got, `queue` how many datagrams may wait in it; None where only their bytes are counted.
    """

    def __init__(self, place: Place) -> None:
        family = socket.AF_UNIX if place.path else socket.AF_INET6 if ":" in place.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._bind(place)
        except OSError as error:
            self.socket.close()
            why = error.strerror or str(error)  # a path that is too long has no number
            raise InputError(f"cannot listen for syslog on {place}", why, "name another place with --syslog") from None
        except InputError:
            self.socket.close()
            raise

    def close(self) -> None:
        """Let the socket go, and take its file away if it is still ours."""
        self.socket.close()
        if self.place.path and _inode(self.place.path) == self._inode:
            Path(self.place.path).unlink(missing_ok=True)

    def _bind(self, place: Place) -> None:
        self.socket.settimeout(0)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_BYTES)
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        if place.path:
            _make_room(place)
            self.socket.bind(place.path)
            Path(place.path).chmod(_MODE)
            self.place, self.queue, self._inode = place, queue_of_unix(), _inode(place.path)
        else:
            self.socket.bind((place.host, place.port))
            self.place, self.queue = place._replace(port=self.socket.getsockname()[1]), None


def queue_of_unix() -> int | None:
    """How many datagrams the kernel holds for a Unix socket in our namespace; of more the senders that do not wait lose theirs."""
    try:
        return int(_QUEUE.read_text())
    except (OSError, ValueError):
        return None


def overflow(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """How many datagrams the kernel has dropped so far for want of room, where it says so beside a datagram."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_RXQ_OVFL):
            return int.from_bytes(data[:4], sys.byteorder)
    return None


def _make_room(place: Place) -> None:
    """Take away a socket of our own user that nobody reads any more. Raises InputError for anything else that is in the way."""
    try:
        status = os.lstat(place.path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise InputError(f"cannot listen for syslog on {place}", "something else is there", "move it away, or name another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(place.path)
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                Path(place.path).unlink()
            return
    raise InputError(f"cannot listen for syslog on {place}", "another process reads there", "stop it, or name another path")


def _inode(path: str) -> tuple[int, int] | None:
    with suppress(OSError):
        status = os.lstat(path)
        return status.st_dev, status.st_ino
    return None
