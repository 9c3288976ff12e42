"""The stream of one feed's events in one namespace: a socket, its buffer, and what overran it."""

import errno
import os
import socket

from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.observe import namespace
from unmasq.observe.feed import Feed

_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1  # linux/netlink.h
_SO_RCVBUFFORCE = 33
BUFFER_BYTES = 32 << 20  # the kernel doubles it; a queued event costs 1280 bytes, so it holds 52,000
_EVENT_BYTES = 1 << 13  # the kernel sends one event a datagram, none longer than a page


class EventStream:
    """Everything that the groups of a feed are told, as it arrives.

    Counts, after the name of the feed, `_overruns` (the buffer was full), `_lost` (messages that the kernel dropped,
    exactly), `_healed` (overruns that a dump followed) and `_buffer_refused`. Everything raises KernelError.
    """

    def __init__(self, feed: Feed, space: str | None, counters: Counters, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._feed, self._counters = feed, counters
        self._socket = namespace.socket_in(space, feed.protocol)
        try:
            self._enlarge(buffer_bytes)
            self._join_groups()
            self._drops = _Drops(space, self._socket)
        except BaseException:
            self._socket.close()
            raise
        self._overruns = 0
        self.unhealed = 0
        """Overruns after which the queue has been emptied, so that a dump can heal them now."""

    def fileno(self) -> int:
        """The descriptor that becomes readable when events have arrived."""
        return self._socket.fileno()

    def drain(self, most: int) -> list[bytes]:
        """Up to `most` datagrams that have arrived, one event each. Never waits."""
        datagrams: list[bytes] = []
        while len(datagrams) < most:
            try:
                datagrams.append(self._socket.recv(_EVENT_BYTES, socket.MSG_DONTWAIT))
            except BlockingIOError:
                self._settle()
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise KernelError(f"the stream of {self._feed.events} broke", error.strerror or str(error)) from error
                self._count("overruns")
                self._overruns += 1
        return datagrams

    def heal(self) -> None:
        """Say that the table has been dumped since the last `drain`."""
        self._count("healed", self.unhealed)
        self.unhealed = 0

    def _settle(self) -> None:
        # After an overrun the kernel drops everything until the queue has been empty once: only now is the number
        # final, and only what is dumped from now on has no gap behind it.
        if self._overruns:
            self._count("lost", self._drops.since_last_time())
            self.unhealed += self._overruns
            self._overruns = 0

    def close(self) -> None:
        """Close the socket. Twice is fine."""
        self._socket.close()
        self._drops.close()

    def _count(self, what: str, amount: int = 1) -> None:
        self._counters.add(f"{self._feed.name}_{what}", amount)

    def _enlarge(self, size: int) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, size)
        except PermissionError:  # of the machine's own user namespace; the other one stops at net.core.rmem_max
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            self._count("buffer_refused")

    def _join_groups(self) -> None:
        try:
            # An unbound socket has the kernel's own port id 0 and is passed over in silence.
            self._socket.bind((0, 0))
            for group in self._feed.groups:
                self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        except OSError as error:
            raise KernelError(
                f"cannot listen to {self._feed.events}",
                error.strerror or str(error),
                "run as root, or grant CAP_NET_ADMIN in that network namespace",
            ) from error


class _Drops:
    """The column Drops of our line in /proc/net/netlink: how many messages did not fit into our buffer."""

    _DROPS, _INODE = 8, 9

    def __init__(self, space: str | None, sock: socket.socket) -> None:
        with namespace.entered(space):
            # The file shows the namespace in which it was opened for as long as it is open.
            self._table = os.open("/proc/thread-self/net/netlink", os.O_RDONLY | os.O_CLOEXEC)
        self._inode = str(os.fstat(sock.fileno()).st_ino)
        self._last = 0

    def since_last_time(self) -> int:
        before, self._last = self._last, self._now()
        return (self._last - before) % (1 << 32)

    def close(self) -> None:
        if self._table >= 0:
            os.close(self._table)
            self._table = -1

    def _now(self) -> int:
        os.lseek(self._table, 0, os.SEEK_SET)
        with open(self._table, closefd=False) as table:
            columns = (line.split() for line in table)
            return next((int(line[self._DROPS]) for line in columns if line[self._INODE] == self._inode), self._last)
