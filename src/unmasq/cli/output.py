"""Standard output: data, colours for who wants them, and tables that never cut an address."""

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console

Color = Literal["auto", "always", "never"]

_WIDE = 10_000  # columns of an output that is no terminal: nothing is ever wrapped or cut there
_color: Color = "auto"


def set_color(wanted: Color) -> None:
    """What --color says."""
    global _color  # noqa: PLW0603  # one process, one standard output
    _color = wanted


def console() -> "Console":
    """Standard output with styles, as --color and NO_COLOR want them; plain and endlessly wide where it is no terminal."""
    from rich.console import Console

    styled = _color == "always" or (_color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    return Console(
        file=sys.stdout,
        force_terminal=styled,
        no_color=not styled,
        width=None if sys.stdout.isatty() else _WIDE,
        highlight=False,
        markup=False,
        emoji=False,
    )


def write(data: bytes) -> None:
    """Bytes as they are, behind whatever was printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def note(text: str) -> None:
    """A sentence beside the data, on standard error; a full disk behind it is no reason to stop."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)
