"""The links of a collector beside a proxy: its log, and who listens on its socket. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from unmasq.find.check import Check, State
from unmasq.find.reading import lines, marker
from unmasq.show import words


class LogEnd(Struct, frozen=True):
    """The last lines of a log. `trouble`: why it cannot be read."""

    path: str
    trouble: str = ""
    read: int = 0
    unmarked: int = 0
    rejected: dict[str, int] = {}


class Listener(Struct, frozen=True):
    """Who listens on a socket: `lines` is our own node, `reports` somebody who knows only Felix's Report.

    `trouble`: that nobody does, and why.
    """

    path: str
    speaks: str = ""
    version: str = ""
    pod: str = ""
    trouble: str = ""


def collecting(log: LogEnd | None, listener: Listener) -> Iterator[Check]:
    """The links in the order in which a line passes them; of the log nothing where there is none to look at."""
    if log is not None:
        yield from _log(log)
    yield _socket(listener)


def _log(log: LogEnd) -> Iterator[Check]:
    if log.trouble:
        next_step = "does the proxy write there, and is the volume with its log mounted here?"
        yield Check("log", State.BROKEN, f"{log.path} cannot be read: {log.trouble}", next_step)
        return
    seen = f"{words.counted(log.read, 'line')} at the end of {log.path}" if log.read else f"{log.path} is empty"
    yield Check("log", State.OK if log.read else State.WARN, seen, "does the proxy write there?")
    yield marker(log.read, log.unmarked, State.BROKEN)
    yield lines(log.read, log.rejected)


def _socket(listener: Listener) -> Check:
    if listener.trouble:
        next_step = "does unmasq node --policy-sync run here, and is the folder with the socket mounted?"
        return Check("socket", State.BROKEN, listener.trouble, next_step)
    if listener.speaks == "reports":
        seen = f"{listener.path}: this socket is Felix's; open-source Felix drops reports"
        next_step = "to keep what the proxy logs, let unmasq node --policy-sync serve it: docs/kubernetes.md"
        return Check("socket", State.WARN, seen, next_step)
    return Check("socket", State.OK, f"{listener.path}: unmasq {listener.version} listens, for {listener.pod}")
