"""Where to listen, as people write it on the command line."""

from ipaddress import ip_address

from unmasq.base.errors import UsageError
from unmasq.base.ports import port_of
from unmasq.read.endpoint import Place


def to_bind(text: str) -> tuple[str, int]:
    """ADDRESS:PORT, with brackets around an IPv6 address, as what a socket binds; port 0 is any free one. Raises UsageError."""
    host, _, digits = text.rpartition(":")
    port = port_of(digits)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
        well = address.version == 4 or bare != host
    except ValueError:
        well = False
    if port is None or not well:
        why = "it must be an address of this machine and a port"
        raise UsageError(f"nothing can listen on {text!r}", why, "write it like 127.0.0.1:8470, 0.0.0.0:8470 or [::]:8470")
    return str(address), port


def to_receive(text: str) -> Place:
    """unix:/PATH, or ADDRESS:PORT of UDP. Raises UsageError."""
    if not text.startswith("unix:"):
        return Place("", *to_bind(text))
    path = text.removeprefix("unix:")
    if not path.startswith("/"):  # an empty variable is the folder where we happen to be
        raise UsageError(f"no place for a socket: {text!r}", "it must be named from / on", "write it like unix:/run/unmasq/syslog.sock")
    return Place(path)
