"""Asking the kernel for a whole table, and the datagrams of its answer."""

import os
import socket
from collections.abc import Iterator

from unmasq.base.errors import KernelError
from unmasq.observe import netlink

_PART_BYTES = 1 << 16  # the kernel fills at most 32 kB of it
_PATIENCE_SECONDS = 10  # the kernel answers at once; this only keeps a fault from hanging the process


class Dump:
    """The answer to one request, once: iterate over its datagrams, to the end. `what` names the table in errors.

    Answers to an older request on the same socket are passed over. Raises KernelError where the kernel refuses.
    """

    def __init__(self, sock: socket.socket, request: bytes, what: str) -> None:
        self._socket, self._request, self._what = sock, request, what
        self._sequence = next(netlink.messages(request)).sequence
        self.interrupted = False
        """Whether the table changed meanwhile in a way that may have hidden entries; final after the last datagram."""

    def __iter__(self) -> Iterator[bytes]:
        try:
            self._socket.settimeout(_PATIENCE_SECONDS)
            self._socket.send(self._request)
            is_last = False
            while not is_last:
                datagram = self._socket.recv(_PART_BYTES)
                mine = [message for message in netlink.messages(datagram) if message.sequence == self._sequence]
                for message in mine:
                    is_last |= self._ends(message)
                if mine:
                    yield datagram
        except (OSError, netlink.Malformed) as error:
            raise KernelError(
                f"the kernel does not give {self._what}",
                str(error),
                "run as root, or grant CAP_NET_ADMIN in that network namespace",
            ) from error

    def _ends(self, message: netlink.Message) -> bool:
        self.interrupted |= bool(message.flags & netlink.NLM_F_DUMP_INTR)
        if message.kind not in (netlink.NLMSG_DONE, netlink.NLMSG_ERROR):
            return False
        number = netlink.error_number(message.payload)
        if number:
            raise OSError(number, os.strerror(number))
        return True
