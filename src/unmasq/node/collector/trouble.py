"""Why nothing gets through a socket, in words: what gRPC says of it, translated."""

import errno
import os
import socket

import grpc

from unmasq.base.errors import Unreachable
from unmasq.base.safe import shortened, terminal
from unmasq.model.proto import SUPERSEDED

_NEXT = {errno.EACCES: "may the user as whom this runs come to it?"}
_NEXT_ABSENT = "is `unmasq node --policy-sync` up and the volume mounted?"
_NEXT_SILENT = "is it a node of unmasq, or Felix?"

_MOST_SHOWN = 200


class Displaced(Unreachable):
    """Another collector speaks on the socket."""


def trouble(error: grpc.RpcError, target: str) -> Unreachable:
    """What an error of a call on the socket at the path `target` means."""
    code = error.code()
    if code is grpc.StatusCode.ABORTED and error.details() == SUPERSEDED:
        next_step = "stop one of them, or give each proxy's pod a volume of its own"
        return Displaced(
            f"another collector speaks on {target}", "a node listens to one at a time, and each displaces the other", next_step
        )
    if code is grpc.StatusCode.UNAVAILABLE:
        return absent(target) or Unreachable(f"{target} takes nothing", "whoever listens breaks off", _NEXT_SILENT)
    if code in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED):
        return silent(target)
    return Unreachable(f"{target} takes nothing", f"whoever listens refuses it, {code.name.lower()}: {_shown(error.details())}")


def _shown(details: str | None) -> str:
    return shortened(terminal(details or ""), _MOST_SHOWN)


def silent(target: str) -> Unreachable:
    """That nobody answers in time, or why nobody can."""
    return absent(target) or Unreachable(f"{target} takes nothing", "whoever listens does not answer in time", _NEXT_SILENT)


def absent(target: str) -> Unreachable | None:
    """That nobody listens, and why, as the kernel has it; None where somebody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(target)
        except BlockingIOError:  # somebody who is busy
            return None
        except OSError as error:
            number = error.errno or 0
            return Unreachable(f"nobody listens on {target}", os.strerror(number), _NEXT.get(number, _NEXT_ABSENT))
    return None
