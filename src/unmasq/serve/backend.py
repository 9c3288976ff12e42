"""Whoever can answer for a store: its owner if there is one, else the files."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from unmasq.base.clock import Clock
from unmasq.base.errors import StoreBusy
from unmasq.keep.control.state import Control
from unmasq.keep.lock import Lock
from unmasq.serve.protocol import Backend, TrustBackend
from unmasq.serve.socket import NAME
from unmasq.serve.trust import TrustDesk

if TYPE_CHECKING:
    from unmasq.serve.client import Owner

_PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.05

AtRest = TypeVar("AtRest")


@contextmanager
def open_backend(folder: Path, clock: Clock, *, writing: bool = False) -> Iterator[Backend]:
    """The questions about the store in DIR. `writing` makes this process its owner for the run, where it has none.

    Raises StoreError where there is no store, StoreBusy where somebody has it open and does not answer.
    """
    with ExitStack() as stack:
        yield _found(stack, folder, lambda: _files(folder, clock, writing=writing))


@contextmanager
def open_trust(folder: Path, clock: Clock, *, writing: bool = False) -> Iterator[TrustBackend]:
    """The trust list of the store in DIR, at rest without opening any flows. Raises as `open_backend`."""
    with ExitStack() as stack:
        yield _found(stack, folder, lambda: _control(folder, clock, writing=writing))


@contextmanager
def _files(folder: Path, clock: Clock, *, writing: bool) -> Iterator[Backend]:
    # Whoever asks an owner needs no database: it is loaded here.
    from unmasq.keep.duck import DuckStore  # noqa: PLC0415
    from unmasq.serve.questions import of_files  # noqa: PLC0415

    Lock(folder, exclusive=False).close()  # writing would make a store where there is none
    with DuckStore(folder, read_only=not writing) as store:
        yield of_files(store, clock)


@contextmanager
def _control(folder: Path, clock: Clock, *, writing: bool) -> Iterator[TrustBackend]:
    with Lock(folder, exclusive=writing):
        control = Control(folder, read_only=not writing)
        try:
            yield TrustDesk(control, clock)
        finally:
            control.close()


def _owner(folder: Path) -> AbstractContextManager["Owner | None"]:
    from unmasq.serve.client import owner_of  # noqa: PLC0415  # whoever reads files needs no HTTP

    return owner_of(folder)


def _found(stack: ExitStack, folder: Path, at_rest: Callable[[], AbstractContextManager[AtRest]]) -> "Owner | AtRest":
    """The owner, or the files; waits a moment for an owner that has the files and does not answer yet, or is about to go."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if (folder / NAME).exists() and (owner := stack.enter_context(_owner(folder))) is not None:
            return owner
        try:
            return stack.enter_context(at_rest())
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
