"""The errors that a person may see. Each says what happened, why, and what to do next.

    UnmasqError
    ├── UsageError        the command line, a setting or a filter is wrong            exit 2
    ├── InputError        a file or stream cannot be read at all                      exit 1
    ├── StoreError        the store cannot do what was asked                          exit 1
    │   ├── StoreBusy     another process owns it
    │   └── StoreTooNew   a newer unmasq wrote it
    ├── KernelError       the kernel refuses: a right or a switch is missing          exit 1
    ├── BatchRefused      what came over the wire is no batch that can be taken       exit 1
    │   └── BatchTooLarge it is larger than anybody takes
    └── Unreachable       the owner of a store, or a server, does not answer          exit 1

A foreign exception is translated at the edge where it happens; what a bad line holds is never an error but a counted
reject (`unmasq.model.ingress.Reject`).
"""


class UnmasqError(Exception):
    """What happened, why, and what to do next; printed in that order, without a traceback."""

    exit_code = 1

    def __init__(self, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step

    def __str__(self) -> str:
        return "\n".join(
            part for part in (self.what, self.why and f"  why:  {self.why}", self.next_step and f"  next: {self.next_step}") if part
        )


class UsageError(UnmasqError):
    """A flag, setting, address, range or time that cannot be understood."""

    exit_code = 2


class InputError(UnmasqError):
    """A log, or a file with data about addresses, that cannot be opened or read."""


class StoreError(UnmasqError):
    """The store refused or failed."""


class StoreBusy(StoreError):
    """Another process has the store open."""


class StoreDamaged(StoreError):
    """A file of the store holds something else than it should, and always will."""


class StoreTooNew(StoreError):
    """The store was written by a newer unmasq than this one."""


class KernelError(UnmasqError):
    """The kernel refused a socket, a namespace or a switch."""


class BatchRefused(UnmasqError):
    """A batch of flows from elsewhere that is damaged, makes no sense or is not ours."""


class BatchTooLarge(BatchRefused):
    """A batch of flows that has to be sent in smaller parts."""


class Unreachable(UnmasqError):
    """Nobody answers on the other side of a socket."""
