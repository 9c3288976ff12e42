"""Write the wheel of the last commit to dist/, built twice as on two machines: where the two differ in one byte there is none.

Beside it, its SBOM and the sums of both. UNMASQ_REQUIRE=native demands the C extension. What is not committed is not in them.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from scripts import sbom
from scripts.locked import ROOT

OUT = ROOT / "dist"


class Place(NamedTuple):
    """What differs between machines and must not show in a wheel: folder, umask, age of the sources, environment."""

    folder: str
    umask: int
    sources_from: int
    """The time of the sources, in seconds since 1970."""
    environment: dict[str, str]


PLACES = (
    Place("here", 0o022, 1_000_000_000, {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C", "HOME": "/"}),
    Place("there/and deeper", 0o077, 1_700_000_001, {"PYTHONHASHSEED": "2", "TZ": "XYZ-9:30", "LC_ALL": "C.UTF-8", "HOME": "/tmp"}),
)


class DistError(Exception):
    """There is no wheel: what went wrong, why, and what to do next."""


def main() -> int:
    """The exit code: 0 if dist/ holds all of it, 1 if there is no wheel."""
    epoch = int(commit_seconds())
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = build_twice(last_commit(), epoch, Path(folder))
            write(OUT, wheel, sbom.written(wheel.parents[1], wheel, epoch))
    except (DistError, subprocess.CalledProcessError) as error:
        print(f"dist: {error}", file=sys.stderr)
        return 1
    print(f"dist: {OUT.name}/{wheel.name}, the same bytes from two builds, with its SBOM and SHA256SUMS beside it")
    return 0


def last_commit() -> bytes:
    """Its files, as tar."""
    return _git("archive", "HEAD")


def commit_seconds() -> str:
    """The time to write into what is built, in seconds since 1970: SOURCE_DATE_EPOCH, or else that of the last commit."""
    return os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct").decode().strip()


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-c", f"safe.directory={ROOT}", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def build_twice(files: bytes, epoch: int, folder: Path) -> Path:
    """The wheel of the files in that tar, in `folder`. DistError: it cannot be built, or came out as two."""
    first, second = (build(files, epoch, folder / place.folder, place) for place in PLACES)
    if found := differences(first, second):
        raise DistError(f"two builds of one commit differ in {', '.join(found)}; next: find what of the machine got into it")
    return first


def build(files: bytes, epoch: int, root: Path, place: Place) -> Path:
    """The wheel of the files in that tar, unpacked in `root` and built as `place` says. DistError: it cannot be built."""
    root.mkdir(parents=True)
    subprocess.run(["tar", "-x"], cwd=root, input=files, umask=place.umask, check=True)
    for path in root.rglob("*"):
        os.utime(path, (place.sources_from, place.sources_from))
    environment = os.environ | place.environment | {"SOURCE_DATE_EPOCH": str(epoch)}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    done = subprocess.run(command, cwd=root, env=environment, umask=place.umask, stdout=subprocess.DEVNULL, check=False)
    wheels = list(root.glob("dist/*.whl"))
    if done.returncode or len(wheels) != 1:
        raise DistError("the wheel could not be built; next: see what the build says above")
    return wheels[0]


def differences(first: Path, second: Path) -> list[str]:
    """What two wheels do not have in common: their names, files in them, or how the files are packed. Empty: not a byte."""
    if first.name != second.name:
        return [first.name, second.name]
    if first.read_bytes() == second.read_bytes():
        return []
    ours, theirs = _contents(first), _contents(second)
    return sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name)) or ["how their files are packed"]


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(folder: Path, wheel: Path, bill: str) -> None:
    """Copy the wheel into the folder, with its SBOM, and SHA256SUMS as `sha256sum --check` reads it."""
    folder.mkdir(exist_ok=True)
    contents = {wheel.name: wheel.read_bytes(), wheel.with_suffix(".cdx.json").name: bill.encode()}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    for name, content in (contents | {"SHA256SUMS": sums.encode()}).items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
