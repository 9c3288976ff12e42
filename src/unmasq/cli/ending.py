"""How a run ends: its exit code, and what a person is told when it went wrong."""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum

from cyclopts import CycloptsError

from unmasq.base.errors import UnmasqError
from unmasq.base.safe import terminal
from unmasq.cli.misuse import usage_error

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why standard output takes no more. Every other file is named in its error, or its edge has translated it."""


class Exit(IntEnum):
    """The exit codes of every verb."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    NOTHING_FOUND = 3
    TO_LOOK_AT = 4
    PARTIAL = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed; the sentence on standard error says what, why, and what to do next",
    Exit.WRONG_USE: "wrong use: a flag, setting, address, range or time that cannot be understood",
    Exit.NOTHING_FOUND: "nothing found; only with --exit-code",
    Exit.TO_LOOK_AT: "something to look at, though nothing is broken; only of doctor, with --exit-code",
    Exit.PARTIAL: "a partial answer: something that was asked could not be answered",
    Exit.INTERRUPTED: "interrupted",
}

HELP = (
    "A flag that is not given is looked for in the environment: UNMASQ_STORE for --store. Exit codes: "
    + "; ".join(f"{int(code)} {meaning.split(';')[0].split(':')[0]}" for code, meaning in MEANINGS.items())
    + "."
)


def of(work: Callable[[], object]) -> int:
    """Do the work of a verb; returns the exit code, and tells a person of what went wrong on standard error."""
    try:
        code = work()
        sys.stdout.flush()
    except BrokenPipeError:
        return _write_no_more(Exit.DONE)  # whoever read our output has enough: that is no mistake of anybody
    except UnmasqError as error:
        return _tell(str(error), error.exit_code)
    except CycloptsError as error:
        return _tell(str(usage_error(error)), Exit.WRONG_USE)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # a person gets a sentence; the traceback is for who asks for it
        return _unexpected(error)
    return code if isinstance(code, int) else Exit.DONE


def _tell(text: str, code: int) -> int:
    print("\n".join(terminal(line) for line in text.splitlines()), file=sys.stderr)
    return code


def _write_no_more(code: int) -> int:
    """What is still to be written goes nowhere; otherwise Python would try once more on its way out, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        why = UnmasqError("cannot write the output: " + os.strerror(error.errno), "", "make room, or send it elsewhere")
        return _write_no_more(_tell(str(why), Exit.FAILED))
    if os.environ.get("UNMASQ_DEBUG"):
        traceback.print_exc()
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return _tell(
        f"unmasq failed: {what}\n  why:  this is a mistake in unmasq\n  next: report it with the output of UNMASQ_DEBUG=1", Exit.FAILED
    )
