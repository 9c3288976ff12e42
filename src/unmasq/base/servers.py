"""The server of a store as a person names it: its URL, and whose certificates vouch for it."""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from unmasq.base.errors import UsageError


def checked_url(url: str) -> str:
    """The URL with a slash at its end. Raises UsageError for what is none."""
    try:
        parts = urlsplit(url)
        well = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        well = False
    if not well:
        raise UsageError(
            f"not the URL of a server: {url!r}", "it needs https:// (or http://) and a host", "write it like https://unmasq:8470"
        )
    return url.rstrip("/") + "/"


def trusted(ca: Path | None) -> ssl.SSLContext:
    """Certificates are always verified: by the system's authorities, or by those of a file alone. Raises UsageError."""
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"cannot use the certificates in {ca}", str(error.strerror or error), "name a file of certificates, PEM") from None
