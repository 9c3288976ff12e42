"""A server with the shop's store, which answers over HTTP on this machine, without TLS and for every token."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from unmasq.base.clock import SystemClock
from unmasq.keep.duck import DuckStore
from unmasq.serve.app import app_of
from unmasq.serve.questions import of_files
from unmasq.serve.routes import Routes


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """Its URL."""
    with DuckStore(store, read_only=True) as opened:
        app = app_of(Routes(of_files(opened, SystemClock()), SystemClock()), store, SystemClock())
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            port = server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
