"""An address to listen on, as people write it on the command line."""

from ipaddress import ip_address

from unmasq.base.errors import UsageError


def to_bind(text: str) -> tuple[str, int]:
    """ADDRESS:PORT, with brackets around an IPv6 address, as what a socket binds; port 0 is any free one. Raises UsageError."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
        well = (address.version == 4 or bare != host) and port.isascii() and port.isdigit() and int(port) < 1 << 16
    except ValueError:
        well = False
    if not well:
        why = "it must be an address of this machine and a port"
        raise UsageError(f"nothing can listen on {text!r}", why, "write it like 127.0.0.1:8470, 0.0.0.0:8470 or [::]:8470")
    return str(address), int(port)
