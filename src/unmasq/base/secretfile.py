"""A secret in a file of its own, as orchestrators mount it: read whenever it is used, since it may be renewed."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from unmasq.base.errors import InputError, UsageError


def secret(path: Path) -> str:
    """The first line of the file, without white space around it. Raises UsageError for a file that holds none."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.readline(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = str(getattr(error, "strerror", None) or "it is no text")
        raise UsageError(f"cannot read the token in {path}", why, "name a file that holds a token") from None
    if not text or not text.isascii() or not text.isprintable():
        raise UsageError(
            f"there is no token in {path}",
            "its first line is empty or no plain text",
            "unmasq token add NAME --role node --store DIR --file FILE makes one",
        )
    return text


@contextmanager
def new_secret(path: Path) -> Iterator[Callable[[str], None]]:
    """A new file that only its user can read, for a secret that the block writes; gone if the block fails.

    Raises UsageError where something of that name is there, or none can be made. What the block calls raises InputError.
    """
    file = _new(path)
    try:
        yield lambda text: _written(file, path, text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _new(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        next_step = "name another file, or move that one away"
        raise UsageError(f"{path} is there already", "a secret is never written over what may be another", next_step) from None
    except OSError as error:
        raise UsageError(f"cannot make {path}", str(error.strerror), "name a file in a folder that can be written") from None


def _written(file: int, path: Path, text: str) -> None:
    line = f"{text}\n".encode()
    try:
        if os.write(file, line) < len(line):
            raise InputError(f"cannot write {path}", "not all of it was taken", "make room")
        os.fsync(file)
    except OSError as error:
        raise InputError(f"cannot write {path}", str(error.strerror), "make room, or name another file") from None
