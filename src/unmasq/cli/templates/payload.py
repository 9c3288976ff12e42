"""The line of the how-to, extended: our payload behind its marker, every value quoted, since a port can be empty."""

from collections.abc import Mapping

HOWTO_LOG = "/var/log/calico/ingress/ingress.log"
"""Where the how-to of the old feature puts the log."""


def payload(pairs: Mapping[str, str], quote: str = '"') -> str:
    """The marker and its payload: key -> variable of the proxy. `quote`: how its setting writes a quote."""
    told = ", ".join(f"{quote}{key}{quote}: {quote}{value}{quote}" for key, value in pairs.items())
    return f"tigera_secure_ee_ingress: {{{told}}}"


def indented(text: str, spaces: int) -> str:
    """The text as a block that begins so far to the right."""
    return "".join(f"{' ' * spaces}{line}".rstrip() + "\n" for line in text.splitlines())
