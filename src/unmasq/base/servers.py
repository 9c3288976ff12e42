"""Servers as a person names them: a URL, whose certificates vouch for one, and whether the way to it is private."""

import ssl
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from unmasq.base.errors import UsageError

_ADVICE = {
    "hostname mismatch": "call the server by a name that is in its certificate, or give it one with this name",
    "ip address mismatch": "call the server by a name that is in its certificate, or give it one with this address",
    "certificate_verify_failed": "name what vouches for its certificate: --ca FILE",
    "wrong_version_number": "it speaks http, not https: is it behind a proxy with TLS, or did it get no --tls-cert?",
    "no server of that name is here": "call it by an address, or start it with this name: unmasq serve --host NAME",
}
"""What to do about an error that TLS or our own server words like that, lower case; of several the first."""


def advice(why: str) -> str:
    """What to do where a server cannot be asked for this reason; nothing where the reason does not tell."""
    low = why.lower()
    return next((next_step for words, next_step in _ADVICE.items() if words in low), "")


def web_parts(url: str) -> SplitResult | None:
    """The parts of a URL of HTTP with a host, whose port can be asked for; None for anything else."""
    try:
        parts = urlsplit(url)
        well = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if well else None


def checked_url(url: str, *, insecure: bool = False) -> str:
    """The URL with a slash at its end. Raises UsageError for what is none, and where a token would go in clear unless that is wanted."""
    parts = web_parts(url)
    if parts is None:
        why, next_step = "it needs https:// (or http://) and a host", "write it like https://unmasq:8470"
        raise UsageError(f"not the URL of a server: {url!r}", why, next_step)
    if parts.scheme == "http" and not insecure and not is_loopback(parts.hostname or ""):
        why = "without TLS whoever is on the way can read the token and all flows, and change them"
        next_step = "write https://, with --ca FILE for certificates of your own; or add --insecure if nobody can be on the way"
        raise UsageError(f"nothing is sent in clear to {parts.hostname}", why, next_step)
    return url.rstrip("/") + "/"


def is_loopback(host: str) -> bool:
    """Whether a host, by its name or address, is this very machine, so that nobody is on the way to it."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def trusted(ca: Path | None) -> ssl.SSLContext:
    """Certificates are always verified: by the system's authorities, or by those of a file alone. Raises UsageError."""
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"cannot use the certificates in {ca}", str(error.strerror or error), "name a file of certificates, PEM") from None
