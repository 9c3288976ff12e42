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
from typing import Literal

import msgspec
from msgspec import Struct, structs

from unmasq.base.errors import StoreError, UsageError

NAME = "tokens.json"
PREFIX = "unmasq_"  # so that whoever looks for secrets in a repository finds ours

Role = Literal["node", "see", "admin"]
"""`node` sends flows and fetches settings, `see` asks questions, `admin` changes what is believed, too."""

_OF_OLD = {"read": "see"}
"""What roles were called once."""


class Token(Struct, frozen=True, rename={"role": "use"}):
    """What is known of a token: its name and role, the SHA-256 of its text, when it was made; when it is over, None for never."""

    name: str
    role: Role
    sha256: str
    made_us: int
    until_us: int | None = None


class _Stored(Struct, frozen=True):
    name: str
    use: str
    sha256: str
    made_us: int
    until_us: int | None = None


class Tokens:
    """The tokens of one folder. Any process may call; a change is there for all others at once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        self._stamp: tuple[int, int] | None = None
        self._known: list[Token] = []

    def add(self, name: str, role: Role, now_us: int, until_us: int | None = None) -> str:
        """A new token's text, which nobody can tell again. Raises UsageError for a name that is taken, StoreError."""
        text = PREFIX + secrets.token_urlsafe(32)
        with self._changing() as tokens:
            if any(token.name == name for token in tokens):
                raise UsageError(f"there is a token called {name!r} already", "names tell tokens apart", "take another one, or revoke that")
            tokens.append(Token(name, role, digest(text), now_us, until_us))
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
                self._known = _read(self._path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            self._known, self._stamp = [], None
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(
                f"cannot read the tokens in {self._path}", str(error), "restore the file, or delete it and make new ones"
            ) from None
        return self._known

    def find(self, text: str, now_us: int) -> Token | None:
        """The token of this text; None for one that nobody gave out, that was revoked, or that is over."""
        return self.known(digest(text), now_us)

    def known(self, sha256: str, now_us: int) -> Token | None:
        """As `find`, of a token whose hash was kept."""
        found = next((token for token in self.all() if secrets.compare_digest(token.sha256, sha256)), None)
        return found if found and _is_good(found, now_us) else None

    def has_any(self, now_us: int) -> bool:
        """Whether anybody has one that is good now. Raises StoreError."""
        return any(_is_good(token, now_us) for token in self.all())

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


def _read(document: bytes) -> list[Token]:
    """Raises MsgspecError for what is no list of tokens, or has a role that this version does not know."""
    stored = msgspec.json.decode(document, type=list[_Stored])
    renamed = [structs.replace(each, use=_OF_OLD.get(each.use, each.use)) for each in stored]
    return msgspec.convert([structs.asdict(each) for each in renamed], list[Token])


def _is_good(token: Token, now_us: int) -> bool:
    return token.until_us is None or now_us < token.until_us


def digest(text: str) -> str:
    """What is kept of a token: it has 256 random bits, so that nobody needs a slow hash."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
