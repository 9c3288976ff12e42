"""A pod's socket, `mount/ID/socket`: made without taking anybody's, and without trusting the folder that the pod can write to.

The pod sees `mount/ID` and may be root in there, so nothing in it is opened or followed: the socket is bound and given its
mode where nobody else can reach it, and then moved to its place.
"""

import fcntl
import os
import secrets
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import grpc

from unmasq.base.errors import Unreachable
from unmasq.observe.policy_sync.service import LONGEST_MESSAGE, Service

NAME = "socket"
_THREADS = 4
_MOST_CALLS = 16
_OPTIONS = (
    ("grpc.max_receive_message_length", LONGEST_MESSAGE),
    ("grpc.max_concurrent_streams", 8),
    ("grpc.max_allowed_incoming_connections", 8),  # no pod may use up our descriptors
)
_MODE = 0o777  # as Felix does: who may see the folder may speak
_OPEN = 0o755  # the least that the folder lets others do: whoever the pod runs as comes to the socket


class Endpoint:
    """A server on one socket. Raises Unreachable, with the reason in its `why`, where there cannot be one."""

    def __init__(self, prefix: Path, name: str, service: Service) -> None:
        self.service = service
        self._mount = os.open(prefix / "mount", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folder = -1
        try:
            self._folder = _locked(prefix / "mount" / name)
            _demand_unserved(self._folder)
            self._server = self._serving()
        except OSError as error:
            self._let_go()
            raise Unreachable(f"no socket for {name}", os.strerror(error.errno or 0)) from None
        except BaseException:
            self._let_go()
            raise

    @property
    def is_in_place(self) -> bool:
        """Whether the socket of that name is still ours."""
        return self._inode == _inode(self._folder, NAME)

    def close(self) -> None:
        """Stop answering, and take the socket away if it is still ours."""
        self.service.ledger.end()
        self._server.stop(None).wait()
        if self.is_in_place:
            with suppress(OSError):
                os.unlink(NAME, dir_fd=self._folder)
        self._pool.shutdown(wait=False)
        self._let_go()

    def _serving(self) -> grpc.Server:
        self._pool = ThreadPoolExecutor(_THREADS)
        server = grpc.server(self._pool, self.service.handlers(), options=_OPTIONS, maximum_concurrent_rpcs=_MOST_CALLS)
        hidden = f".{secrets.token_hex(8)}"
        path = f"/proc/self/fd/{self._mount}/{hidden}"  # short enough, however long the prefix is
        try:
            server.add_insecure_port(f"unix:{path}")
            server.start()
            Path(path).chmod(_MODE)
            self._inode = _inode(self._mount, hidden)
            os.rename(hidden, NAME, src_dir_fd=self._mount, dst_dir_fd=self._folder)
        except BaseException as error:
            server.stop(None)
            with suppress(OSError):
                os.unlink(hidden, dir_fd=self._mount)
            if isinstance(error, RuntimeError):  # all that the library says of a port it cannot have
                raise Unreachable("no socket can be bound", "bind") from None
            raise
        return server

    def _let_go(self) -> None:
        for descriptor in (self._mount, self._folder):
            if descriptor >= 0:
                os.close(descriptor)


def _locked(folder: Path) -> int:
    """The pod's folder, made if it is missing and open to whoever is in it; another process of ours that has it is in the way."""
    with suppress(FileExistsError):
        folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    _open_up(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Unreachable("another process has the folder", "locked") from None
    return descriptor


def _open_up(folder: int) -> None:
    """Let others through, whatever our umask took away when the folder was made, now or by an earlier process."""
    status = os.fstat(folder)
    if status.st_uid == os.geteuid():
        with suppress(OSError):  # on a file system that cannot, it is as it is
            os.fchmod(folder, stat.S_IMODE(status.st_mode) | _OPEN)


def _demand_unserved(folder: int) -> None:
    """Somebody who answers keeps his socket. What is no socket, or one that nobody listens on, is in nobody's way."""
    try:
        if not stat.S_ISSOCK(os.stat(NAME, dir_fd=folder, follow_symlinks=False).st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
            probe.connect(f"/proc/self/fd/{folder}/{NAME}")
    except (FileNotFoundError, ConnectionRefusedError):
        return
    except OSError:  # it is busy, or not for us: not free in any case
        pass
    raise Unreachable("another process answers on the socket", "served")


def _inode(folder: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
    except OSError:
        return -1
