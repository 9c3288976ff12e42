"""How the demo ends before its time: Ctrl-C, SIGTERM and SIGHUP take everything away, as its own end does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(SystemExit):
    """A signal asked for the end; raised where the demo was, so that every `with` around it takes its part away."""


def listen() -> None:
    """From now on the first of the signals raises Ended; those that come while everything is taken away change nothing."""
    for number in SIGNALS:
        signal.signal(number, _end)


@contextmanager
def undisturbed_afterwards() -> Iterator[None]:
    """From the end of this block on no signal interrupts the taking away."""
    try:
        yield
    finally:
        _go_on()


def _end(number: int, _frame: object) -> None:
    _go_on()
    raise Ended(128 + number)


def _go_on() -> None:
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which the programs that take things away would inherit
