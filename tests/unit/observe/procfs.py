"""A /proc of our own making, with processes of pods in namespaces that are plain files."""

import shutil
import uuid
from pathlib import Path


def uid_of(name: str) -> str:
    """A UID, the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


class Proc:
    """Processes that are born and end; `root` stands for /proc."""

    def __init__(self, folder: Path) -> None:
        self.root, self._spaces, self._started = folder / "proc", folder / "spaces", 0
        self.root.mkdir()
        self._spaces.mkdir()
        (self.root / "meminfo").touch()

    def space(self, name: str) -> Path:
        """A namespace, the same for the same name."""
        path = self._spaces / name
        path.touch()
        return path

    def identity(self, name: str) -> tuple[int, int]:
        found = self.space(name).stat()
        return found.st_dev, found.st_ino

    def born(self, pid: int, space: str, pod: str = "", name: str = "a) S (b") -> str:
        """A process, younger than all before; of a pod unless that is empty. Returns the path of its namespace."""
        folder = self.root / str(pid)
        (folder / "ns").mkdir(parents=True)
        group = f"kubepods.slice/kubepods-pod{uid_of(pod).replace('-', '_')}.slice/cri-containerd-0a.scope" if pod else "init.scope"
        (folder / "cgroup").write_text(f"0::/{group}\n")
        self._started += 1
        (folder / "stat").write_text(f"{pid} ({name}) S {' '.join(['0'] * 18)} {self._started} 0\n")
        (folder / "ns/net").symlink_to(self.space(space))
        return str(folder / "ns/net")

    def end(self, pid: int) -> None:
        shutil.rmtree(self.root / str(pid))
