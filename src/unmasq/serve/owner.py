"""The owner's end of the socket: whoever has a store open answers for it, in a thread beside its work."""

from pathlib import Path

from unmasq.base.clock import Clock
from unmasq.serve.app import app_of
from unmasq.serve.foldersocket import FolderSocket
from unmasq.serve.protocol import Backend
from unmasq.serve.routes import Routes


class Owner(FolderSocket):
    """Serves the API of a store on DIR/api.sock while it is entered. Only the process that has the store open may."""

    def __init__(self, folder: Path, backend: Backend, clock: Clock) -> None:
        super().__init__(folder, app_of(Routes(backend, clock), folder, clock))
