"""`unmasq rejudge`: judge what is stored by the trust list of today."""

import sys
import time
from typing import Annotated, Literal

from cyclopts import Parameter

from unmasq.base.clock import SystemClock
from unmasq.cli import output as out
from unmasq.cli.flags import StoreFlag
from unmasq.cli.window import moment
from unmasq.show import words

_PATIENCE_SECONDS = 1.0


def rejudge(
    *,
    store: StoreFlag,
    since: Annotated[int | None, Parameter(converter=moment, metavar="TIME")] = None,
    output: Annotated[Literal["table", "json"], Parameter(alias="-o")] = "table",
) -> None:
    """Judge stored flows again, as if the present trust list had been there when they came.

    Parameters
    ----------
    since:
        Only days from this time on; all days where nothing is said.
    output:
        A sentence or JSON.
    """
    from unmasq.serve.backend import open_backend
    from unmasq.serve.contract import body_of

    progress = Progress()
    with open_backend(store, SystemClock(), writing=True) as backend:
        done = backend.rejudge(since, progress.tell)
    progress.end()
    if output == "json":
        out.write(body_of(done))
    else:
        print(f"judged {words.counted(done.flows, 'flow')} on {words.counted(done.days, 'day')} by trust list {done.trust_version}")


class Progress:
    """A line on standard error, if that is a terminal, of what takes longer than a second."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown = False

    def tell(self, done: int, days: int) -> None:
        """So many days of so many are done."""
        if sys.stderr.isatty() and time.monotonic() - self._began > _PATIENCE_SECONDS:
            self._shown = True
            print(f"\r{done} of {words.counted(days, 'day')} judged", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            print(file=sys.stderr)
