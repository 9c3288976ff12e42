"""Who may talk to a server: tokens, of which only hashes are kept, in one small file beside the store.

It is no part of the store that has one owner: tokens are made and revoked while a server runs, which sees it at once.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from unmasq.base.errors import StoreError, UsageError

NAME = "tokens.json"
PREFIX = "unmasq_"  # so that whoever looks for secrets in a repository finds ours

Use = Literal["node", "read"]
USES: tuple[Use, ...] = get_args(Use)


class Token(Struct, frozen=True):
    """What is known of a token: its name, what it is good for, the SHA-256 of its text, and when it was made."""

    name: str
    use: Use
    sha256: str
    made_us: int


class Tokens:
    """The tokens of one folder. Any process may call; a change is there for all others at once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        self._stamp: tuple[int, int] | None = None
        self._known: list[Token] = []

    def create(self, name: str, use: Use, now_us: int) -> str:
        """A new token's text, which nobody can tell again. Raises UsageError for a name that is taken, StoreError."""
        text = PREFIX + secrets.token_urlsafe(32)
        with self._changing() as tokens:
            if any(token.name == name for token in tokens):
                raise UsageError(f"there is a token called {name!r} already", "names tell tokens apart", "take another one, or revoke that")
            tokens.append(Token(name, use, digest(text), now_us))
        return text

    def revoke(self, name: str) -> None:
        """Take a token's rights away. Raises UsageError if none is called that."""
        with self._changing() as tokens:
            left = [token for token in tokens if token.name != name]
            if len(left) == len(tokens):
                raise UsageError(f"no token is called {name!r}", "the list has no such name", f"unmasq token list --store {self._folder}")
            tokens[:] = left

    def all(self) -> list[Token]:
        """Every token, oldest first. Raises StoreError for a file that cannot be read."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._known = msgspec.json.decode(self._path.read_bytes(), type=list[Token])
                self._stamp = stamp
        except FileNotFoundError:
            self._known, self._stamp = [], None
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(
                f"cannot read the tokens in {self._path}", str(error), "restore the file, or delete it and make new ones"
            ) from None
        return self._known

    def use_of(self, text: str) -> Use | None:
        """What a token is good for; None for one that nobody gave out, or that was revoked."""
        wanted = digest(text)
        return next((token.use for token in self.all() if secrets.compare_digest(token.sha256, wanted)), None)

    @contextmanager
    def _changing(self) -> Iterator[list[Token]]:
        """The list, which replaces the file's when the block ends well; one process at a time."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StoreError(f"cannot keep tokens in {self._folder}", str(error.strerror), "name a directory that can be written") from None
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            tokens = list(self.all())
            yield tokens
            self._write(tokens)
            os.fsync(directory)
        finally:
            os.close(directory)

    def _write(self, tokens: list[Token]) -> None:
        making = self._path.with_suffix(".making")
        try:
            with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(tokens) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            making.rename(self._path)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}", str(error.strerror), "make room, or run as its owner") from None


def digest(text: str) -> str:
    """What is kept of a token: it has 256 random bits, so that nobody needs a slow hash."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
