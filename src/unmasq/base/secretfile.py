"""A secret in a file of its own, as orchestrators mount it: read whenever it is used, since it may be renewed."""

from pathlib import Path

from unmasq.base.errors import UsageError


def secret(path: Path) -> str:
    """The first line of the file, without white space around it. Raises UsageError for a file that holds none."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.readline(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = str(getattr(error, "strerror", None) or "it is no text")
        raise UsageError(f"cannot read the token in {path}", why, "name a file that holds a token") from None
    if not text or not text.isascii() or not text.isprintable():
        raise UsageError(f"there is no token in {path}", "its first line is empty or no plain text", "unmasq token create NAME makes one")
    return text
