"""Being in another network namespace for the length of one call, in this process.

A socket belongs for life to the namespace in which it was created, so one thread serves clients in many
namespaces. setns moves the calling thread only; a thread started meanwhile would stay there.
"""

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAMES = Path("/run/netns")
"""Where `ip netns` keeps namespaces under their names."""
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def inside(path: Path) -> Iterator[None]:
    """Be in the namespace at `path` (/run/netns/NAME or /proc/PID/ns/net), and home again also after an error."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _enter(path)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def socket_in(path: Path, family: int, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
    """A socket that lives in the namespace at `path`."""
    with inside(path):
        return socket.socket(family, kind, protocol)


def write_sysctl(path: Path, name: str, value: int) -> None:
    """Set `name` (`net.ipv4.ip_forward`) in the namespace at `path`: /proc/sys/net shows the reader's own."""
    with inside(path):
        _proc_file(name).write_text(f"{value}\n")


def read_sysctl(path: Path, name: str) -> int:
    """What `name` is set to in the namespace at `path`."""
    with inside(path):
        return int(_proc_file(name).read_text())


def _proc_file(name: str) -> Path:
    return Path("/proc/sys") / name.replace(".", "/")


def _enter(path: Path) -> None:
    there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(there)
    finally:
        os.close(there)


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
