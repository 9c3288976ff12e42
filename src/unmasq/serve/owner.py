"""The owner's end of the socket: whoever has a store open answers for it, in a thread beside its work."""

from pathlib import Path

from unmasq.base.clock import Clock
from unmasq.keep.control.state import Control
from unmasq.keep.live import LiveStore
from unmasq.serve.app import app_of
from unmasq.serve.foldersocket import FolderSocket
from unmasq.serve.protocol import Heard, NodeRanges
from unmasq.serve.questions import Status, no_status, of_live
from unmasq.serve.routes import Routes
from unmasq.serve.vitals import Vitals


class Owner(FolderSocket):
    """Serves the API of a store on DIR/api.sock while it is entered. Only the process that has the store open may."""

    def __init__(
        self,
        folder: Path,
        live: LiveStore,
        control: Control,
        clock: Clock,
        status: Status = no_status,
        node_ranges: NodeRanges = tuple,
        heard: Heard = dict,
        vitals: Vitals | None = None,
    ) -> None:
        """`status` tells how the node that fills the store is doing; `node_ranges` must not be trusted."""
        backend = of_live(live, control, clock, status, node_ranges, heard, vitals)
        super().__init__(folder, app_of(Routes(backend, clock), folder, clock))
