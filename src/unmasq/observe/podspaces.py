"""The network namespaces of pods, found by their processes, and found again as pods come and go."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from unmasq.base.clock import MICROSECONDS
from unmasq.base.errors import KernelError
from unmasq.base.telemetry import Counters
from unmasq.observe import namespace
from unmasq.observe.processes import Process, Processes, of_the_pod

MOST = 128
"""Namespaces at once, each with three descriptors of ours. A kubelet runs 110 pods unless it is told otherwise."""

_SOON_US = MICROSECONDS
_LATE_US = 60 * MICROSECONDS  # the folder of a pod that has ended stays for days
_UNSEEN = "no process of it is to be seen"
_SHARED = "it shares a network namespace that is watched anyway"
_TOO_MANY = "the namespaces of other pods are as many as can be watched"

Identity = tuple[int, int]


class Around(NamedTuple):
    """What is known of other namespaces: which is the host's, and which are watched whatever pods there are."""

    host: Identity | None
    watched: Collection[Identity]


class Space(NamedTuple):
    """A namespace, by the path of a process in it."""

    path: str
    identity: Identity

    @property
    def is_there(self) -> bool:
        """Whether the path leads to it still: a process ends, and its number is used again."""
        with suppress(KernelError):
            return namespace.identity(self.path) == self.identity
        return False


@dataclass
class _Sought:
    """A pod without a namespace, why that is so, and when it is sought again."""

    why: str = ""
    due_us: int = 0
    rest_us: int = 0


class PodSpaces:
    """Looks for pods by their UIDs. Processes are looked through only while some pod lacks its namespace, ever more seldom.

    Counts `pod_spaces_found`, `pod_spaces_vanished` (the process by which one was found has ended: another one is sought),
    `pod_spaces_refused` (pods beyond 128 namespaces), and what Processes counts.
    """

    def __init__(self, processes: Processes, counters: Counters, most: int = MOST) -> None:
        self._processes, self._counters, self._most = processes, counters, most
        self._found: dict[str, Space] = {}
        self._sought: dict[str, _Sought] = {}
        self._pods: Mapping[str, str] = {}

    @property
    def found(self) -> dict[Identity, str]:
        """Each namespace once, with its path: containers, and at times pods, share one."""
        return {space.identity: space.path for space in self._found.values()}

    @property
    def missing(self) -> dict[str, str]:
        """NAMESPACE/POD of those that have none -> why; without those that share one which is watched anyway."""
        pods = self._pods  # another thread may ask
        return {pods[uid]: sought.why for uid, sought in list(self._sought.items()) if uid in pods and sought.why != _SHARED}

    def look(self, pods: Mapping[str, str], around: Around, now_us: int) -> None:
        """See how it is with these pods, UID -> NAMESPACE/POD, and with no others."""
        self._pods = dict(pods)
        self._found = {uid: space for uid, space in self._found.items() if uid in pods}
        self._sought = {uid: sought for uid, sought in self._sought.items() if uid in pods}
        for uid in [uid for uid, space in self._found.items() if not space.is_there]:
            del self._found[uid]
            self._counters.add("pod_spaces_vanished")
        due = {uid for uid in pods.keys() - self._found.keys() if self._is_due(uid, now_us)}
        if due:
            self._seek(due, around, now_us)

    def _is_due(self, uid: str, now_us: int) -> bool:
        sought = self._sought.setdefault(uid, _Sought())
        return not 0 < sought.due_us - now_us <= sought.rest_us  # a clock that was set back makes nobody wait longer

    def _seek(self, due: Collection[str], around: Around, now_us: int) -> None:
        processes = self._processes.of_pods(due)
        for uid in sorted(due):
            why = self._settle(uid, [each for each in processes if each.uid == uid], around)
            if why:
                self._put_off(uid, why, now_us)
            else:
                del self._sought[uid]
                self._counters.add("pod_spaces_found")

    def _settle(self, uid: str, processes: Sequence[Process], around: Around) -> str:
        """Take the namespace of its processes, if they have one of their own; otherwise why not."""
        chosen = of_the_pod(processes, around.host)
        if chosen is None:
            return _UNSEEN
        if chosen.identity in around.watched:
            return _SHARED
        if chosen.identity not in self.found and len(self.found) >= self._most:
            return _TOO_MANY
        self._found[uid] = Space(chosen.space, chosen.identity)
        return ""

    def _put_off(self, uid: str, why: str, now_us: int) -> None:
        before = self._sought[uid]
        self._counters.add("pod_spaces_refused", int(why == _TOO_MANY != before.why))
        rest_us = min(2 * before.rest_us, _LATE_US) if before.rest_us and self._processes.is_whole else _SOON_US
        self._sought[uid] = _Sought(why, now_us + rest_us, rest_us)
