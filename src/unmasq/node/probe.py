"""One test request to a proxy, over a connection whose own end we know. The only module here that connects to anything."""

import http.client
from collections.abc import Mapping
from typing import NamedTuple

from unmasq.base.errors import Unreachable, UsageError
from unmasq.base.servers import web_parts

_TIMEOUT_SECONDS = 10


class Answered(NamedTuple):
    """The status of the answer, and our own end of the connection."""

    status: int
    ip: str
    port: int


def send(url: str, headers: Mapping[str, str]) -> Answered:
    """GET a URL on a fresh connection. Raises UsageError for what is no URL, Unreachable where nobody answers."""
    parts = web_parts(url)
    if parts is None or parts.hostname is None:
        raise UsageError(f"not a URL: {url!r}", "it needs http:// or https:// and a host", "write it like http://203.0.113.20/")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port or kind.default_port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.connect()
        ip, port = connection.sock.getsockname()[:2]
        connection.request("GET", parts.path or "/", headers=dict(headers))
        return Answered(connection.getresponse().status, ip, port)
    except (OSError, http.client.HTTPException, UnicodeError) as error:  # a name or path that has no bytes in HTTP
        raise Unreachable(f"no answer from {url}", str(error) or type(error).__name__, "is this the address of the proxy?") from None
    finally:
        connection.close()
