"""Being in a network namespace for one call, and the addresses of its interfaces.

A socket belongs for life to the namespace in which it was made, so it is enough to be there for that one call: one
process holds sockets in many namespaces. setns(2) moves the calling thread only; nothing may await inside.
Needs CAP_SYS_ADMIN.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from unmasq.base.errors import KernelError
from unmasq.model.address import V4_PREFIX
from unmasq.observe import netlink
from unmasq.observe.dump import Dump

HOSTS_OWN = Path("/proc/sys/net/core/netdev_max_backlog")
_CLONE_NEWNET = 0x40000000
_RTM_NEWADDR, _RTM_GETADDR = 20, 22  # linux/rtnetlink.h
_IFA_ADDRESS, _IFA_LOCAL = 1, 2  # linux/if_addr.h
_IFADDRMSG_BYTES = 8
_RT_SCOPE_LINK = 253  # linux/rtnetlink.h
_NEXT = {
    errno.ENOENT: "`ip netns list` shows the names; another process's namespace is /proc/PID/ns/net",
    errno.EINVAL: "name a network namespace: `ip netns list`, or /proc/PID/ns/net",
}
_NEXT_PRIVILEGE = "run as root, or grant CAP_SYS_ADMIN and CAP_NET_ADMIN (in Kubernetes: privileged, with hostPID)"
_libc = ctypes.CDLL(None, use_errno=True)


def path_of(namespace: str) -> str:
    """The file that stands for a namespace: of a name /run/netns/NAME; what has a slash is a path already."""
    return namespace if "/" in namespace else f"/run/netns/{namespace}"


def is_host() -> bool:
    """Whether we are in the host's network: its kernel shows this setting in the first namespace alone."""
    return HOSTS_OWN.exists()


def identity(namespace: str | None) -> tuple[int, int]:
    """What tells a namespace from another one that gets its name later. Raises KernelError where there is none of that name."""
    path = path_of(namespace) if namespace else "/proc/thread-self/ns/net"
    try:
        found = Path(path).stat()
    except OSError as error:
        raise KernelError(
            f"there is no network namespace {namespace}", f"{path}: {error.strerror}", _NEXT.get(error.errno or 0, _NEXT_PRIVILEGE)
        ) from error
    return found.st_dev, found.st_ino


@contextmanager
def entered(namespace: str | None) -> Iterator[None]:
    """The calling thread is in the namespace, and back home afterwards, also after an error. None: it stays at home.

    Raises KernelError where the namespace does not exist or may not be entered.
    """
    if namespace is None:
        yield
        return
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _move(namespace)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def socket_in(namespace: str | None, protocol: int) -> socket.socket:
    """A raw netlink socket that lives in the namespace. Raises KernelError."""
    with entered(namespace):
        try:
            return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        except OSError as error:
            raise KernelError(
                f"no netlink socket of protocol {protocol}",
                error.strerror or str(error),
                "the kernel needs nf_conntrack_netlink (`modprobe nf_conntrack_netlink`)",
            ) from error


class InterfaceAddress(NamedTuple):
    """One address of an interface, which is known by its number; `is_wide` where its scope is more than the machine or a link."""

    pair: tuple[int, int]
    interface: int
    is_wide: bool


def addresses(namespace: str | None = None) -> set[tuple[int, int]]:
    """Every address (hi, lo) of the namespace's interfaces, loopback and link-local ones too. Raises KernelError."""
    return {one.pair for one in interface_addresses(namespace)}


def interface_addresses(namespace: str | None = None) -> list[InterfaceAddress]:
    """The same, each with its interface and scope, by interface. Raises KernelError."""
    with socket_in(namespace, socket.NETLINK_ROUTE) as sock:
        request = netlink.dump_request(_RTM_GETADDR, 1, struct.pack("=BBBBI", socket.AF_UNSPEC, 0, 0, 0, 0))
        return [
            found
            for part in Dump(sock, request, "the interface addresses")
            for message in netlink.messages(part)
            if message.kind == _RTM_NEWADDR and (found := _interface_address(message.payload)) is not None
        ]


def _interface_address(payload: bytes) -> InterfaceAddress | None:
    pair = _address(payload)
    _, _, _, scope, interface = struct.unpack_from("=BBBBI", payload)
    return InterfaceAddress(pair, interface, scope < _RT_SCOPE_LINK) if pair is not None else None


def _address(payload: bytes) -> tuple[int, int] | None:
    values = netlink.attributes(payload, _IFADDRMSG_BYTES)
    # Of a point-to-point link IFA_ADDRESS is the peer's address and IFA_LOCAL our own.
    own = values.get(_IFA_LOCAL, values.get(_IFA_ADDRESS, b""))
    if len(own) == 4:
        return 0, V4_PREFIX | int.from_bytes(own, "big")
    return (int.from_bytes(own[:8], "big"), int.from_bytes(own[8:], "big")) if len(own) == 16 else None


def _move(namespace: str) -> None:
    try:
        there = os.open(path_of(namespace), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
        finally:
            os.close(there)
    except OSError as error:
        raise KernelError(
            f"cannot enter the network namespace {namespace}",
            f"{path_of(namespace)}: {error.strerror}",
            _NEXT.get(error.errno or 0, _NEXT_PRIVILEGE),
        ) from error


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
