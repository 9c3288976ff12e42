"""Which bytes of which files were read before, and which file on disk is one of those.

**The fingerprint rule.** A file gets its identity with its first whole line, and keeps it. The fingerprint is `N-HASH`: the
BLAKE2b of its first N bytes, N being 256 or, in a shorter file, the length of the whole lines that were there. A file is the
same as long as its inode is and its first N bytes still hash to HASH; so growing never changes an identity, and the N in it
says how much must be compared. `N-HASH-2`, `-3`, ... are later generations: the file was seen to be truncated and began
with the same N bytes again, or a power failure took bytes from its end that were read. Where several generations fit, the
latest is meant. The device need not be equal: its number may change with a reboot. A copy is known after a restart by its
first bytes, if it has N of them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

from unmasq.model.ingress import FileIdentity

HEAD_BYTES = 256
_FINGERPRINT = re.compile(r"(?P<beginning>(?P<length>[1-9]\d{0,2})-[0-9a-f]{32})(-(?P<generation>[1-9]\d{0,9}))?")

Key = tuple[int, int]
"""Device and inode: what tells open files apart."""

Run = tuple[int, int | None]
"""Bytes [start, end) that are still to be read; None as the end of what is being written."""


def gaps(covered: Iterable[tuple[int, int]]) -> list[Run]:
    """What is left to read of a file beside the covered runs; the last gap is open."""
    left: list[Run] = []
    behind = 0
    for start, end in sorted(covered):
        if start > behind:
            left.append((behind, start))
        behind = max(behind, end)
    return [*left, (behind, None)]


def missing(runs: Iterable[Run], start: int, end: int) -> int:
    """How many of the bytes [start, end) are in the runs."""
    return sum(max(0, min(end, end if behind is None else behind) - max(start, first)) for first, behind in runs)


class Coverage:
    """The identities of all files ever read, with the bytes that are kept of them."""

    def __init__(self, covered: Mapping[FileIdentity, Sequence[tuple[int, int]]]) -> None:
        self.begun: dict[FileIdentity, int] = {}
        self._covered = covered
        self._lengths: set[int] = set()
        self._alike: dict[str, list[FileIdentity]] = {}
        for identity in covered:
            self._note(identity)

    def __bool__(self) -> bool:
        return bool(self._covered)

    def left(self, identity: FileIdentity) -> list[Run]:
        """What is still to be read of a file."""
        return gaps(self._covered.get(identity, ()))

    def end(self, identity: FileIdentity) -> int:
        """Offset behind the last byte that is kept of a file."""
        return max((end for _, end in self._covered.get(identity, ())), default=0)

    def find(self, key: Key, head: bytes) -> FileIdentity | None:
        """The identity under which the file with this key and these first bytes was read last; None if it never was."""
        fitting = [i for i in self._matching(head) if i.inode == key[1]]
        return max(fitting, key=lambda i: (_generation(i), i.device == key[0]), default=None)

    def find_copy(self, head: bytes, taken: Collection[FileIdentity | None]) -> FileIdentity | None:
        """The identity of a file that is gone, or was truncated, and whose copy begins with `head`; none of the taken.

        A copy may be shorter than what was read: the file was still written between copying and truncating.
        """
        fitting = (i for i in self._matching(head, whole=True) if i not in taken)
        return max(fitting, key=lambda i: (_generation(i), self.end(i)), default=None)

    def reused(self, key: Key) -> bool:
        """Whether a file with this inode was read, so that another beginning means: truncated since, or newer."""
        return any(key[1] == identity.inode for identity in self._covered)

    def seen(self, head: bytes) -> bool:
        """Whether any file that was read began with these bytes."""
        return any(True for _ in self._matching(head, whole=True))

    def mint(self, key: Key, head: bytes, began: int) -> FileIdentity:
        """A new identity for a file that begins with `head` (whole lines if short), read from the offset `began` on."""
        earlier = [_generation(i) for i in self._matching(head) if i.inode == key[1]]
        identity = FileIdentity(*key, _beginning(head) + (f"-{max(earlier) + 1}" if earlier else ""))
        self._note(identity)
        self.begun[identity] = began
        return identity

    def _note(self, identity: FileIdentity) -> None:
        if match := _FINGERPRINT.fullmatch(identity.fingerprint):  # a stream's is none
            self._lengths.add(int(match["length"]))
            self._alike.setdefault(match["beginning"], []).append(identity)

    def _matching(self, head: bytes, *, whole: bool = False) -> Iterator[FileIdentity]:
        """Identities whose first bytes these are; if `whole`, not those of a file that ended in its first line."""
        for length in self._lengths:
            ended = length == HEAD_BYTES or b"\n" in head[:length]
            if length <= len(head) and (ended or not whole):
                yield from self._alike.get(_beginning(head[:length]), ())


def _beginning(head: bytes) -> str:
    return f"{len(head)}-{blake2b(head, digest_size=16).hexdigest()}"


def _generation(identity: FileIdentity) -> int:
    match = _FINGERPRINT.fullmatch(identity.fingerprint)
    return int(match["generation"] or 1) if match else 0
