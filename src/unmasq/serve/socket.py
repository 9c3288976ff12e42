"""The owner's socket DIR/api.sock: its name, and a path to it that is always short enough."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "api.sock"


@contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """A path of the socket for bind and connect, whose address holds 108 bytes: DIR may be longer than that."""
    directory = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)
