"""Disks: full under the store, under the spool; a folder of logs that is unmounted and comes back. Needs root: it mounts."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.shipping import Pair, Writer
from tests.faults.host import Host
from tests.faults.outcome import Outcome, Row, Rows, Size
from tests.lab.deadline import until

_SMALL, _LARGE = "6m", "512m"
_FULL_SECONDS = 60


@contextmanager
def _small_disk(at: Path) -> Iterator[None]:
    """A file system of a few megabytes in a folder."""
    at.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={_SMALL},mode=0700", "tmpfs", at)
    try:
        yield
    finally:
        _unmount(at)


def _enlarge(at: Path) -> None:
    _mount("-o", f"remount,size={_LARGE}", at)


def _store_full(folder: Path, size: Size) -> Outcome:
    """Lines come until nothing more can be written, and after it; then there is room."""
    disk = folder / "disk"
    with _small_disk(disk), Host(folder, size, store=disk / "store") as host:
        until(lambda: _is_stuck(host, size), "the disk to be full", _FULL_SECONDS)
        host.log.write(size.lines // 4)
        asked = host.health()
        _enlarge(disk)
        return host.outcome("" if asked.unwritten else "nobody was told that a day cannot be written")


def _is_stuck(host: Host, size: Size) -> bool:
    host.log.burst(size.lines // 4)
    time.sleep(0.5)
    return bool(host.health().unwritten)


def _spool_full(folder: Path, size: Size) -> Outcome:
    """The server is away until nothing more fits; then there is room, and it is back."""
    disk = folder / "spool"
    with _small_disk(disk), Pair(folder) as pair:
        pair.begin()
        pair.server.kill()
        writer = Writer(pair.log, 10 * size.rate)
        writer.start()
        until(lambda: _free(disk) < 200_000, "the disk to be full", _FULL_SECONDS)
        time.sleep(2)
        written = writer.finish()
        _enlarge(disk)
        pair.server.start()
        began = time.monotonic()
        pair.emptied()
        counts = pair.stored()
        seconds = time.monotonic() - began
        return Outcome(written, len(counts), pair.dropped(), sum(counts.values()) - len(counts), seconds)


def _free(disk: Path) -> int:
    found = subprocess.run(["stat", "-f", "-c", "%a %S", str(disk)], capture_output=True, text=True, check=True).stdout.split()
    return int(found[0]) * int(found[1])


def _logs_away(folder: Path, size: Size) -> Outcome:
    """The folder of logs is a mount that goes away while lines are written, and comes back."""
    real, seen = folder / "real", folder / "seen"
    real.mkdir()
    seen.mkdir()
    (real / "access.log").touch()
    _mount("--bind", real, seen)
    try:
        with Host(folder, size, log=real / "access.log", reads=("--input", str(seen / "access.log"))) as host:
            for _ in range(2):
                host.log.write(size.lines // 4)
                _unmount(seen)
                host.log.write(size.lines // 8)
                _mount("--bind", real, seen)
            host.log.write(size.lines // 4)
            return host.outcome()
    finally:
        _unmount(seen)


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def _unmount(at: Path) -> None:
    subprocess.run(["umount", "-l", str(at)], check=False, stderr=subprocess.DEVNULL)


ROWS: Rows = {
    "store on a full disk": Row(_store_full, needs_root=True),
    "spool on a full disk": Row(_spool_full, needs_root=True),
    "folder of logs unmounted and back": Row(_logs_away, needs_root=True),
}
