"""An app on the socket DIR/api.sock, for whoever may enter the folder DIR."""

import os
import socket
from pathlib import Path
from typing import Self

from starlette.applications import Starlette

from unmasq.base.errors import Unreachable
from unmasq.serve.listening import Listening
from unmasq.serve.socket import NAME, short_path


class FolderSocket:
    """Serves an app while it is entered, in a thread of its own. Only the process that has the folder locked may."""

    def __init__(self, folder: Path, app: Starlette) -> None:
        self._folder, self._app = folder, app

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
        # A dead owner's socket is replaced: the lock on the folder says that there is no other one.
        os.fchmod(listener.fileno(), 0o600)  # before bind, so that nobody else can connect at any moment
        (folder / NAME).unlink(missing_ok=True)
        with short_path(folder) as path:
            listener.bind(path)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Unreachable(f"cannot listen on {folder / NAME}", str(error.strerror), "does this user own the directory?") from None
    return listener
