"""Asking the kernel for a whole table, and the datagrams of its answer."""

import os
import socket
from collections.abc import Iterator

from unmasq.base.errors import KernelError
from unmasq.observe import netlink

_PART_BYTES = 1 << 16  # the kernel fills at most 32 kB of it
_PATIENCE_SECONDS = 10  # the kernel answers at once; this only keeps a bug from hanging the process


def parts(sock: socket.socket, request: bytes, what: str) -> Iterator[bytes]:
    """Send the request and yield each datagram of the answer, to the last. `what` names the table in errors.

    Answers to an older request on the same socket are passed over. Raises KernelError where the kernel refuses.
    """
    sequence = next(netlink.messages(request)).sequence
    try:
        sock.settimeout(_PATIENCE_SECONDS)
        sock.send(request)
        last = False
        while not last:
            datagram = sock.recv(_PART_BYTES)
            mine = [message for message in netlink.messages(datagram) if message.sequence == sequence]
            last = any(_is_last(message) for message in mine)
            if mine:
                yield datagram
    except (OSError, netlink.Malformed) as error:
        raise KernelError(
            f"the kernel does not give {what}",
            str(error),
            "run as root, or grant CAP_NET_ADMIN in that network namespace",
        ) from error


def _is_last(message: netlink.Message) -> bool:
    if message.kind not in (netlink.NLMSG_DONE, netlink.NLMSG_ERROR):
        return False
    number = netlink.error_number(message.payload)
    if number:
        raise OSError(number, os.strerror(number))
    return True
