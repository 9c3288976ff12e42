"""A source of lines that come as syslog datagrams.

A thread takes them from the kernel as they come, so that a busy moment elsewhere costs none; `poll` gives them as lines. A
datagram is nobody's to send again: what was not committed is lost with the process. Counters: `syslog_datagrams`, and
`syslog_lost` (`full`: more waited than may, `kernel`: the socket's queue overran, or the name of an error in reading).
"""

import errno
import os
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity, Frames
from unmasq.read.endpoint import Endpoint, Place, overflow
from unmasq.read.lines import CHUNK_BYTES
from unmasq.read.syslog import Message, messages

LONGEST_DATAGRAM = 1 << 16
"""No sender of ours makes longer ones: UDP takes no more, nor does HAProxy. The end of a longer one is cut off."""
MOST_WAITING_BYTES = 64 << 20
_MOST_AT_ONCE = 10_000
_OVERHEAD_BYTES = 100  # what a datagram costs beside its bytes
_DROPS = 1 << 32  # the kernel's count begins again here


class _Datagram(NamedTuple):
    data: bytes
    is_cut: bool


class Receiver:
    """Listens at a place from now on; `began_us` makes its lines a stream that no other process of ours had.

    Raises InputError where that is not possible. `poll` by one thread.
    """

    def __init__(self, place: Place, counters: Counters, began_us: int, *, most_bytes: int = MOST_WAITING_BYTES) -> None:
        self._endpoint, self._counters, self._most_bytes = Endpoint(place), counters, most_bytes
        self.place, self.queue = self._endpoint.place, self._endpoint.queue
        where = blake2b(str(self.place).encode(), digest_size=8).hexdigest()
        self._file, self._at = FileIdentity(0, 0, f"syslog:{where}:{began_us}"), 0
        self._waiting: list[_Datagram] = []
        self._waiting_bytes = self._dropped = 0
        self._buffer = bytearray(LONGEST_DATAGRAM)
        self._lock, self._end = threading.Lock(), os.eventfd(0)
        self._thread = threading.Thread(target=self._receive, name=f"syslog {self.place}", daemon=True)
        self._thread.start()

    @property
    def begun(self) -> Mapping[FileIdentity, int]:
        """Nothing: no part of a stream can be read a second time."""
        return {}

    def poll(self, now_us: int) -> Iterator[Chunk]:
        """All messages that have come, as lines."""
        with self._lock:
            taken, self._waiting, self._waiting_bytes = self._waiting, [], 0
        self._counters.add("syslog_datagrams", len(taken))
        found: list[Message] = []
        size = 0
        for datagram in taken:
            found.extend(messages(datagram.data, now_us, is_cut=datagram.is_cut))
            size += len(datagram.data)
            if size >= CHUNK_BYTES:
                yield self._chunk(found)
                found, size = [], 0
        if found:
            yield self._chunk(found)

    def close(self) -> None:
        """Listen no more. What has come until now can still be polled. Twice is fine."""
        if self._thread.is_alive():
            os.eventfd_write(self._end, 1)
            self._thread.join()
            os.close(self._end)
            self._endpoint.close()

    def _chunk(self, found: list[Message]) -> Chunk:
        ends = self._at + np.cumsum([len(message.text) + 1 for message in found])
        starts, self._at = np.append(self._at, ends[:-1]), int(ends[-1])
        times, rejects = np.array([message.time_us for message in found]), np.array([message.reject for message in found], "u1")
        frames = Frames(starts, ends, times, rejects, np.zeros(len(found), "?"))
        data = b"".join(message.text + b"\n" for message in found)
        return Chunk(self._file, str(self.place), int(starts[0]), data, live=True, frames=frames)

    def _receive(self) -> None:
        """The thread's work: wait, take what is there; at the end once more."""
        poll = select.poll()
        poll.register(self._endpoint.socket, select.POLLIN)
        poll.register(self._end, select.POLLIN)
        is_over = False
        while not is_over:
            is_over = any(descriptor == self._end for descriptor, _ in poll.poll())
            for _ in range(_MOST_AT_ONCE):  # so that no sender can keep us from ending
                if not self._take():
                    break

    def _take(self) -> bool:
        """One datagram, if there is one."""
        try:
            size, ancillary, flags, _ = self._endpoint.socket.recvmsg_into([self._buffer], 64)
        except BlockingIOError:
            return False
        except OSError as error:
            self._counters.add("syslog_lost", reason=errno.errorcode.get(error.errno or 0, "unknown"))
            return False
        self._keep(_Datagram(bytes(memoryview(self._buffer)[:size]), bool(flags & socket.MSG_TRUNC)))
        dropped = overflow(ancillary)
        if dropped is not None:
            self._counters.add("syslog_lost", (dropped - self._dropped) % _DROPS, "kernel")
            self._dropped = dropped
        return True

    def _keep(self, datagram: _Datagram) -> None:
        size = len(datagram.data) + _OVERHEAD_BYTES
        with self._lock:
            has_room = self._waiting_bytes + size <= self._most_bytes
            if has_room:
                self._waiting.append(datagram)
                self._waiting_bytes += size
        self._counters.add("syslog_lost", int(not has_room), "full")
