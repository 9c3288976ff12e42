"""Who owns a lab: a lock that the kernel gives back when its owner dies, so the dead are told from the living."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

PLACE = Path("/run/unmasq-lab")
"""One lock file and one state folder for each lab; like the namespaces, gone after a boot."""


class LabInUse(RuntimeError):
    """Somebody who is alive has a lab of this prefix."""


class Claim:
    """The sole right to the namespaces of one prefix, from `take` until `release` or the end of this process."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._path = PLACE / f"{prefix}.lock"
        self._descriptor: int | None = None

    def take(self) -> None:
        """Become the owner. LabInUse if another live process, or this one, already is."""
        PLACE.mkdir(parents=True, exist_ok=True)
        for _ in range(10):
            if self._try():
                return
        raise LabInUse(f"the lock of lab {self.prefix!r} keeps changing hands")

    def release(self) -> None:
        """Give the prefix back; the lock file goes first, while it is still ours."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode() or "?"
            os.close(descriptor)
            raise LabInUse(f"lab {self.prefix!r} is in use by process {owner}") from None
        # its last owner may have removed the file between our open and our lock: then we hold a lock that nobody sees
        if not self._is_current(descriptor):
            os.close(descriptor)
            return False
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        return True

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def claimed_prefixes() -> Iterator[str]:
    """Every prefix that somebody, dead or alive, has claimed and not released."""
    return (path.stem for path in sorted(PLACE.glob("*.lock")))
