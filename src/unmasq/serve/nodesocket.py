"""A node's end of the socket in its spool. It has no store, so there is one question: how it is doing."""

from collections.abc import Callable
from pathlib import Path

from starlette.routing import Route

from unmasq.model.health import NodeStatus
from unmasq.serve.answering import answering, application, healthz
from unmasq.serve.foldersocket import FolderSocket


class NodeSocket(FolderSocket):
    """Answers `/api/v1/status` on DIR/api.sock while it is entered. Only the process that has the spool open may."""

    def __init__(self, folder: Path, status: Callable[[], NodeStatus]) -> None:
        super().__init__(folder, application([Route("/api/v1/status", answering(lambda _request, _body: status())), healthz()]))
