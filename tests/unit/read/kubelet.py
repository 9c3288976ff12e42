"""A node's folder of container logs, with whoever writes it: the runtime and the kubelet."""

import gzip
from pathlib import Path

from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.read.podnames import Choice
from unmasq.read.pods import Pods

SECOND = 1_000_000
STAMP = "2026-11-25T08:00:00.{:09d}Z"


class Container:
    """One container of a pod: writes frames, is rotated and started again."""

    def __init__(self, root: Path, pod: str, name: str = "main", uid: str = "0b9f5c4e-1111"):
        namespace, pod_name = pod.split("/")
        self.pod_folder = root / f"{namespace}_{pod_name}_{uid}"
        self.folder = self.pod_folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.restarts, self.written, self.rotations = 0, 0, 0
        self.path.touch()

    @property
    def path(self) -> Path:
        return self.folder / f"{self.restarts}.log"

    def frame(self, text: bytes, tag: str = "F", stream: str = "stdout") -> bytes:
        self.written += 1
        return f"{STAMP.format(self.written)} {stream} {tag} ".encode() + text + b"\n"

    def write(self, *texts: bytes, tag: str = "F", stream: str = "stdout") -> None:
        with self.path.open("ab") as file:
            file.write(b"".join(self.frame(text, tag, stream) for text in texts))

    def rotate(self) -> Path:
        """As the kubelet does: another name, and a new file under the old one."""
        self.rotations += 1
        rotated = self.path.with_name(f"{self.path.name}.20261125-08{self.rotations:04d}")
        self.path.rename(rotated)
        self.path.touch()
        return rotated

    @staticmethod
    def compress(rotated: Path) -> Path:
        """As the kubelet does with all but the newest rotated file."""
        compressed = rotated.with_name(rotated.name + ".gz")
        compressed.write_bytes(gzip.compress(rotated.read_bytes()))
        rotated.unlink()
        return compressed

    def restart(self) -> None:
        self.restarts += 1
        self.path.touch()


class Reader:
    """Pods as a source, on a clock of its own."""

    def __init__(self, root: Path, *choices: str):
        self.root, self.choices = root, [Choice.parse(text) for text in choices or ("*/*",)]
        self.counters, self.now_us = Counters(), 1_700_000_000 * SECOND
        self.pods: Pods | None = None
        self.chunks: list[Chunk] = []

    def start(self, covered=None, *, from_start=True):
        self.close()
        self.pods = Pods(str(self.root), self.choices, self.counters, covered or {}, from_start=from_start)
        return self

    def close(self):
        if self.pods is not None:
            self.pods.close()

    def poll(self, seconds=2):
        """The lines that the next poll finds."""
        assert self.pods is not None
        self.now_us += seconds * SECOND
        self.chunks = list(self.pods.poll(self.now_us))
        return [line for chunk in self.chunks for line in chunk.data.removesuffix(b"\n").split(b"\n")]

    def runs(self):
        """What a store would cover after keeping the last lines."""
        covered: dict[FileIdentity, list[tuple[int, int]]] = {}
        for chunk in self.chunks:
            assert chunk.frames is not None
            for start, end in zip(chunk.frames.start.tolist(), chunk.frames.end.tolist(), strict=True):
                covered.setdefault(chunk.file, []).append((start, end))
            for run in (run for runs in chunk.frames.parts.values() for run in runs):
                covered.setdefault(run.file, []).append((run.start, run.end))
        return covered

    def counted(self):
        return {(name, reason): count for name, reason, count in self.counters.rows()}
