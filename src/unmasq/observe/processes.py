"""The processes of pods, found in /proc: which of them there are, and in which network namespace each is.

Needs the host's processes (in Kubernetes: hostPID) and, for their namespaces, CAP_SYS_PTRACE.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from unmasq.base.telemetry import Counters
from unmasq.observe.cgroup import pod_uid

MOST = 4096
"""Processes looked into at one time, 0.1 s of work; the others are next."""

_CGROUP_BYTES = 1 << 14
_START = 19  # of what stands behind the name in /proc/PID/stat, proc(5): field 22, in ticks since the machine started


class Process(NamedTuple):
    """A process of a pod, by its age: the start first, so that they sort from the oldest on."""

    started: int
    pid: int
    uid: str
    space: str
    """The path of its network namespace."""
    identity: tuple[int, int]
    """What tells that namespace from others."""


def of_the_pod(processes: Collection[Process], host: tuple[int, int] | None) -> Process | None:
    """The process whose namespace is the pod's; None where there are none. `host`: the identity of the host's namespace.

    A runtime may leave a process of the host's among them, and a container may make namespaces of its own: the pod's is that
    of the oldest process that is not in the host's.
    """
    return min(processes, key=lambda each: (each.identity == host, each), default=None)


class Processes:
    """The processes below `root`, which is /proc but in tests.

    Counts `processes_passed_over` (not looked into this time, beyond the bound) and `pod_spaces_unreadable` (processes of
    a pod whose namespace we may not see).
    """

    def __init__(self, root: Path, counters: Counters, most: int = MOST) -> None:
        self._root, self._counters, self._most = root, counters, most
        self._last = 0
        self.is_whole = True
        """Whether the last look came to all of them."""

    def of_pods(self, uids: Collection[str]) -> list[Process]:
        """Those of the pods with these UIDs, the oldest first. What ends meanwhile is passed over."""
        owners = ((pid, self._uid(pid)) for pid in self._next())
        found = [self._process(pid, uid) for pid, uid in owners if uid is not None and uid in uids]
        return sorted(process for process in found if process is not None)

    def _next(self) -> list[int]:
        """The processes to look into: all, or those that come after the last one of the look before."""
        pids = sorted(self._pids())
        first = [pid for pid in pids if pid > self._last]
        chosen = (first + pids[: len(pids) - len(first)])[: self._most]
        self.is_whole = len(chosen) == len(pids)
        self._last = 0 if self.is_whole else chosen[-1]
        self._counters.add("processes_passed_over", len(pids) - len(chosen))
        return chosen

    def _pids(self) -> Iterator[int]:
        try:
            with os.scandir(self._root) as entries:
                yield from (int(entry.name) for entry in entries if entry.name.isdecimal())
        except OSError:
            self._counters.add("pod_spaces_unreadable", reason="proc")

    def _uid(self, pid: int) -> str | None:
        try:
            with (self._root / str(pid) / "cgroup").open("rb") as file:
                return pod_uid(file.read(_CGROUP_BYTES).decode("utf-8", "replace"))
        except OSError:
            return None

    def _process(self, pid: int, uid: str) -> Process | None:
        folder = self._root / str(pid)
        try:
            started = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[_START])
            space = (folder / "ns/net").stat()
        except PermissionError:
            self._counters.add("pod_spaces_unreadable", reason="process")
            return None
        except OSError:
            return None
        return Process(started, pid, uid, str(folder / "ns/net"), (space.st_dev, space.st_ino))
