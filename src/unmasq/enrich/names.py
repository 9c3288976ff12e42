"""The name of an address, asked of the DNS when a person wants to know it.

Whoever has an address writes its name, so a name is shown with whether it leads back to the address. The system's resolver
answers, with its hosts file and its servers; it cannot be hurried, so it is waited for in threads of its own.
"""

import socket
import threading
from collections import OrderedDict
from enum import StrEnum
from ipaddress import ip_address
from typing import NamedTuple

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.model.address import parse, to_text

TIMEOUT_SECONDS = 2.0
MOST_THREADS = 8
MOST_KEPT = 10_000
KEPT_US, NONE_KEPT_US, TIMEOUT_KEPT_US = 3600 * MICROSECONDS, 300 * MICROSECONDS, 30 * MICROSECONDS
_LONGEST = 253  # of a name in the DNS


class State(StrEnum):
    """How a question for a name ended. `timeout`: nobody has answered yet; asking again later may help."""

    FOUND = "found"
    NONE = "none"
    TIMEOUT = "timeout"


class Name(NamedTuple):
    """`is_verified`: one of the name's own addresses is the one that was asked for, so that its owner agrees."""

    state: State
    name: str | None = None
    is_verified: bool = False


_KEPT_US = {State.FOUND: KEPT_US, State.NONE: NONE_KEPT_US, State.TIMEOUT: TIMEOUT_KEPT_US}


class _Question:
    """One address that is being asked for, by however many."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer = Name(State.TIMEOUT)


class ReverseNames:
    """Names by address, kept for a while. Threads may share it; it never raises."""

    def __init__(
        self, clock: Clock, *, timeout_seconds: float = TIMEOUT_SECONDS, threads: int = MOST_THREADS, kept: int = MOST_KEPT
    ) -> None:
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._free = threading.BoundedSemaphore(threads)
        self._most_kept = kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, Name]] = OrderedDict()
        self._asked: dict[str, _Question] = {}

    def of(self, ip: str, *, is_private_too: bool = False) -> Name | None:
        """The name of an address, after `timeout_seconds` at most. None: not asked, as it is no address or not a global one."""
        pair = parse(ip)
        if pair is None:
            return None
        ip = to_text(*pair)
        if not is_private_too and not ip_address(ip).is_global:
            return None
        return self._remembered(ip) or self._wait(ip)

    def _remembered(self, ip: str) -> Name | None:
        with self._lock:
            until_us, name = self._kept.get(ip, (0, None))
            return name if self._clock.now_us() < until_us else None

    def _wait(self, ip: str) -> Name:
        """Ask, or join whoever asks already. Where all threads are busy nobody has answered either."""
        with self._lock:
            question = self._asked.get(ip)
            if question is None:
                if not self._free.acquire(blocking=False):
                    return Name(State.TIMEOUT)
                question = self._asked[ip] = _Question()
                threading.Thread(target=self._ask, args=(ip, question), name=f"name of {ip}", daemon=True).start()
        question.answered.wait(self._timeout_seconds)
        return question.answer

    def _ask(self, ip: str, question: _Question) -> None:
        """In a thread of its own, for as long as the resolver takes: what comes too late is there for the next one who asks."""
        try:
            question.answer = resolved(ip)
        finally:
            with self._lock:
                del self._asked[ip]
                self._kept[ip] = (self._clock.now_us() + _KEPT_US[question.answer.state], question.answer)
                self._kept.move_to_end(ip)
                while len(self._kept) > self._most_kept:
                    self._kept.popitem(last=False)
            self._free.release()
            question.answered.set()


def resolved(ip: str) -> Name:
    """The name of an address and whether it leads back, however long the resolver takes."""
    try:
        name, _ = socket.getnameinfo((ip, 0), socket.NI_NAMEREQD)
    except socket.gaierror as error:
        return Name(State.TIMEOUT if error.errno == socket.EAI_AGAIN else State.NONE)
    except (OSError, UnicodeError):
        return Name(State.NONE)
    return Name(State.FOUND, name[:_LONGEST], _leads_back(name, ip))


def _leads_back(name: str, ip: str) -> bool:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return parse(ip) in {parse(str(address[0])) for *_, address in found}
