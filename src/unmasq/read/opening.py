"""Opening a log, or saying why it cannot be read and what to do."""

import os
import stat

from unmasq.base.errors import InputError


def open_log(path: str, *, follow: bool) -> int:
    """A descriptor to read a regular file. Raises InputError."""
    try:
        # Without O_NONBLOCK, opening a named pipe waits until somebody writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW))
    except FileNotFoundError as error:
        raise InputError(f"cannot read the log {path}", "there is no such file", "check the path") from error
    except PermissionError as error:
        next_step = "run as root, or as a member of the group that may read it"
        raise InputError(f"cannot read the log {path}", "this user may not read it", next_step) from error
    except OSError as error:
        raise InputError(f"cannot read the log {path}", error.strerror or str(error)) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise InputError(f"cannot read the log {path}", "it is a directory", "name a file in it")
    raise InputError(f"cannot read the log {path}", "it is a pipe or a device", "give its text to standard input, and - as the path")
