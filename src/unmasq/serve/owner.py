"""The owner's end of the socket: whoever has a store open answers for it, in a thread beside its work."""

import os
import socket
from pathlib import Path
from typing import Self

from unmasq.base.clock import Clock
from unmasq.base.errors import Unreachable
from unmasq.keep.control import Control
from unmasq.keep.live import LiveStore
from unmasq.serve.app import app_of
from unmasq.serve.listening import Listening
from unmasq.serve.questions import Status, no_status, of_live
from unmasq.serve.routes import Routes
from unmasq.serve.socket import NAME, short_path


class Owner:
    """Serves the API of a store on DIR/api.sock while it is entered. Only the process that has the store open may."""

    def __init__(self, folder: Path, live: LiveStore, control: Control, clock: Clock, status: Status = no_status) -> None:
        """`status` tells how the node that fills the store is doing."""
        self._folder = folder
        self._app = app_of(Routes(of_live(live, control, clock, status), clock))

    def __enter__(self) -> Self:
        """Raises Unreachable where the socket cannot be made."""
        self._listening = Listening(self._app, _bound(self._folder))
        self._listening.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.__exit__()
        (self._folder / NAME).unlink(missing_ok=True)


def _bound(folder: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A dead owner's socket is replaced: the lock on the store says that there is no other one.
        os.fchmod(listener.fileno(), 0o600)  # before bind, so that nobody else can connect at any moment
        (folder / NAME).unlink(missing_ok=True)
        with short_path(folder) as path:
            listener.bind(path)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Unreachable(f"cannot listen on {folder / NAME}", str(error.strerror), "does this user own the directory?") from None
    return listener
