"""Standard output: data as it is, and styles for who wants them."""

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING, Literal, Protocol

from unmasq.base.safe import terminal

if TYPE_CHECKING:
    from unmasq.model.completeness import Completeness

Color = Literal["auto", "always", "never"]
Style = Literal["bold", "green", "yellow"]

_CODES = {"bold": 1, "green": 32, "yellow": 33}
_wanted: Color = "auto"


def set_color(wanted: Color) -> None:
    """What --color says."""
    global _wanted  # noqa: PLW0603  # one process, one standard output
    _wanted = wanted


def styled(text: str, style: Style) -> str:
    """The text in a style, if standard output shall have any. The text must hold no control characters."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if _is_styled() else text


def _is_styled() -> bool:
    if _wanted == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return _wanted == "always"


def width() -> int | None:
    """Columns of the terminal; None where standard output is none, and nothing is ever shortened."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write(data: bytes) -> None:
    """Bytes as they are, behind whatever was printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def doubts(answer: "Doubtful") -> None:
    """One line beside a table, only where something of the answer may be missing; whatever nodes call themselves is inert."""
    known = answer.completeness
    if known is not None and known.doubts:
        note("data: " + terminal(" ".join(known.doubts)))


class Doubtful(Protocol):
    """An answer that knows what may be missing."""

    @property
    def completeness(self) -> "Completeness | None": ...


def note(text: str) -> None:
    """A sentence beside the data, on standard error."""
    with contextlib.suppress(OSError):  # a full disk behind standard error is no reason to stop
        print(text, file=sys.stderr, flush=True)
