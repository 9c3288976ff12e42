"""The program: what is typed, what is printed, how it ends.

One file a verb; `program` lists them. Only this package knows the library of the command line. A verb imports what it needs
when it runs, so that `unmasq --version` loads no database, no web framework and no numpy. No decision belongs here.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence


def main() -> None:
    """Run the command line of this process and exit."""
    run = _loaded()
    os.umask(0o077)  # who came from where is the owner's to read, in the database's own logs and spill files too
    sys.exit(run(sys.argv[1:]))


def _loaded() -> Callable[[Sequence[str]], int]:
    """The program. Ctrl-C while it is loaded leaves nothing to put away, and no traceback; afterwards `ending` sees to it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # else whoever started us had it ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        from unmasq.cli.program import run
    finally:
        signal.signal(signal.SIGINT, before)
    return run
