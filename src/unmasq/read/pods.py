"""The logs of chosen pods where the kubelet keeps them, found again as pods come and go; one source for all of them.

Nothing is watched: a folder is listed again when its time changed. Counters: `pods_found`, `pods_gone`, `pods_unreadable`
(`name`: no name that the kubelet makes, `folder`: it cannot be listed, `log`: it cannot be opened, `twice`: another name of a
file that is read already).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unmasq.base.errors import InputError
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.archives import Archives
from unmasq.read.coverage import Coverage
from unmasq.read.cri import Unframer
from unmasq.read.folder import Folder
from unmasq.read.lines import Window
from unmasq.read.log import Log
from unmasq.read.podnames import Choice, chosen, is_container, pod_of, pods_of, restarts
from unmasq.read.tail import Tail

POD_LOGS = "/var/log/pods"
LOOK_US = 1_000_000
"""How often folders are looked at."""
GRACE_US = 60_000_000
"""How long nothing must have come of a log that is gone before it is let go."""


class Pods:
    """Lines of all logs below `root` that any of the choices takes, read on from what is `covered` already.

    With nothing covered at all, logs that are there at the start are read from their ends on, or with `from_start` from their
    first lines; those of pods that come later always from their first lines. A line that a runtime cut into parts and that
    never ended is given up once its container was started again or is gone.
    """

    def __init__(
        self,
        root: str,
        choices: Sequence[Choice],
        counters: Counters,
        covered: Mapping[FileIdentity, Sequence[tuple[int, int]]],
        *,
        from_start: bool = False,
    ) -> None:
        self._choices, self._counters, self._from_start = choices, counters, from_start
        self._coverage, self._window = Coverage(covered), Window.of()
        self._root = Folder(Path(root), counters)
        self._folders: dict[Path, Folder] = {}  # those of the last look
        self._archives: dict[Path, Archives] = {}
        self._pods: dict[str, str | None] = {}
        self._met = set[tuple[str, str]]()
        self._logs: dict[Path, _PodLog] = {}
        self._unreadable: set[Path] = set()
        self._looked_us: int | None = None

    @property
    def begun(self) -> Mapping[FileIdentity, int]:
        """As `Tail.begun`, of all logs."""
        return self._coverage.begun

    @property
    def paths(self) -> list[str]:
        """The logs that are read now. Any thread may ask."""
        return sorted(map(str, list(self._logs)))

    @property
    def trouble(self) -> str | None:
        """Why no pod can be found now. Any thread may ask."""
        return self._root.trouble

    @property
    def chosen(self) -> dict[str, str]:
        """UID -> NAMESPACE/POD of those that were there at the last look, also where they have ended and only their logs stay."""
        return pods_of(name for name, pod in self._pods.items() if pod is not None)

    @property
    def unmatched(self) -> list[str]:
        """The choices that no container took at the last look. Any thread may ask."""
        met = self._met
        return [str(choice) for choice in self._choices if not any(choice.takes(*each) for each in met)]

    @property
    def others(self) -> int:
        """How many pods that nobody chose have logs, as of the last look. Any thread may ask."""
        return sum(pod is None and pod_of(name) is not None for name, pod in list(self._pods.items()))

    def begin(self, now_us: int) -> None:
        """Look which logs are there, before anything is read."""
        self._look_if_due(now_us)

    def poll(self, now_us: int) -> Iterator[Chunk]:
        """All whole lines that are there, log by log."""
        self._look_if_due(now_us)
        for path, log in list(self._logs.items()):
            if log.is_due(now_us):
                yield from log.poll(now_us)
                if now_us - log.active_us > GRACE_US:
                    yield from self._quiet(path, log)

    def _look_if_due(self, now_us: int) -> None:
        if self._looked_us is None or not 0 <= now_us - self._looked_us < LOOK_US:
            self._look(now_us)
            self._looked_us = now_us

    def close(self) -> None:
        """Let all files go."""
        for log in self._logs.values():
            log.lines.close()
        self._logs.clear()

    def _quiet(self, path: Path, log: "_PodLog") -> Iterator[Chunk]:
        """Nothing came of a log for a while: whether anything more may come."""
        if not log.is_there and (log.lines.tail.is_gone or not path.parent.exists()):
            yield from log.lines.finish()
            log.lines.close()
            del self._logs[path]
        elif log.lines.is_holding and self._is_superseded(path):
            yield from log.lines.give_up()

    def _is_superseded(self, path: Path) -> bool:
        """Whether the container was started again since it wrote this log."""
        number = restarts(path.name) or 0
        return any(other.parent == path.parent and (restarts(other.name) or 0) > number for other in self._logs)

    def _look(self, now_us: int) -> None:
        there = dict(self._logs_there(now_us))
        for path, log in self._logs.items():
            log.is_there = path in there
        for path, pod in there.items():
            if path not in self._logs:
                self._open(path, pod, now_us)
        self._unreadable &= there.keys()

    def _logs_there(self, now_us: int) -> Iterator[tuple[Path, str]]:
        """The logs of chosen containers, each with its NAMESPACE/POD."""
        self._note_pods(self._root.names(now_us))
        self._folders, self._known_folders = {}, self._folders
        met = set[tuple[str, str]]()
        for name, pod in self._pods.items():
            if pod is not None:
                for folder in self._containers(self._root.path / name, pod, now_us):
                    met.add((pod, folder.path.name))
                    names = folder.names(now_us)
                    self._archives_of(folder.path).look(folder.path, names, from_start=self._is_ours)
                    yield from ((folder.path / log, pod) for log in names if restarts(log) is not None)
        self._met = met
        self._archives = {path: archives for path, archives in self._archives.items() if path in self._folders}

    def _containers(self, path: Path, pod: str, now_us: int) -> Iterator["Folder"]:
        for name in self._folder(path).names(now_us):
            if is_container(name) and chosen(self._choices, pod, name):
                yield self._folder(path / name)

    def _folder(self, path: Path) -> "Folder":
        self._folders[path] = folder = self._known_folders.get(path) or Folder(path, self._counters)
        return folder

    def _archives_of(self, path: Path) -> Archives:
        return self._archives.setdefault(path, Archives(self._coverage, self._counters))

    @property
    def _is_ours(self) -> bool:
        """Whether what is met now for the first time is to be read from its beginning."""
        return self._from_start or self._looked_us is not None or bool(self._coverage)

    def _note_pods(self, names: Sequence[str]) -> None:
        """Keep for each name which chosen pod it is, and count those that came and went."""
        if list(self._pods) == names:
            return
        gone = self._pods.keys() - names
        self._counters.add("pods_gone", sum(self._pods[name] is not None for name in gone))
        self._pods = {name: self._pods[name] if name in self._pods else self._chosen(name) for name in names}

    def _chosen(self, name: str) -> str | None:
        pod = pod_of(name)
        if pod is None:
            self._counters.add("pods_unreadable", reason="name")
            return None
        if not chosen(self._choices, pod):
            return None
        self._counters.add("pods_found")
        return pod

    def _open(self, path: Path, pod: str, now_us: int) -> None:
        try:
            if self._is_open(path):
                self._cannot(path, "twice")
                return
            tail = Tail(
                str(path),
                self._counters,
                self._coverage,
                from_start=self._is_ours,
                with_rotated=self._is_ours,
                window=self._window,
            )
        except (InputError, OSError):
            self._cannot(path, "log")
            return
        self._unreadable.discard(path)
        self._logs[path] = _PodLog(path, Log(tail, Unframer(self._counters, is_framed=True), pod), now_us)

    def _is_open(self, path: Path) -> bool:
        status = path.stat()
        return any((status.st_dev, status.st_ino) in log.lines.tail.keys for log in self._logs.values())  # no dict

    def _cannot(self, path: Path, reason: str) -> None:
        """Count what cannot be read once, and try it again at every look."""
        if path not in self._unreadable:
            self._counters.add("pods_unreadable", reason=reason)
        self._unreadable.add(path)


class _PodLog:
    """One log, when something last came of it, and whether its name is still there.

    Most logs of many are silent, so that one is looked into only once its file has changed, or a while has passed.
    """

    def __init__(self, path: Path, lines: Log, now_us: int) -> None:
        self.lines, self.active_us, self.is_there = lines, now_us, True
        self._path, self._polled_us = path, now_us - LOOK_US
        self._state: tuple[int, ...] | None = None

    def is_due(self, now_us: int) -> bool:
        """Whether there may be something to read."""
        try:
            status = self._path.stat()
            state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        except OSError:
            state = None
        if state is not None and state == self._state and 0 <= now_us - self._polled_us < LOOK_US:
            return False
        self._state, self._polled_us = state, now_us
        return True

    def poll(self, now_us: int) -> Iterator[Chunk]:
        """All whole lines that are there."""
        for chunk in self.lines.poll(now_us):
            self.active_us = now_us
            yield chunk
