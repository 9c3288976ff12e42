"""A node's end of the socket in its spool. It has no store, so there is one question: how it is doing."""

from collections.abc import Callable
from pathlib import Path

from unmasq.model.health import NodeStatus
from unmasq.serve.answering import Answering, nothing_noted
from unmasq.serve.endpoint import Endpoint
from unmasq.serve.foldersocket import FolderSocket
from unmasq.serve.gate import OpenGate


class NodeSocket(FolderSocket):
    """Answers `/api/v1/status` on DIR/api.sock while it is entered. Only the process that has the spool open may."""

    def __init__(self, folder: Path, status: Callable[[], NodeStatus]) -> None:
        doing = Endpoint("GET", "/api/v1/status", "see", "How this node is doing.", lambda _request, _body: status())
        super().__init__(folder, Answering(OpenGate(), nothing_noted).app([doing]))
