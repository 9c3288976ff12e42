"""The asking end of a server that is elsewhere: the questions of `Backend` over HTTP, with a token for readers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from unmasq import __version__
from unmasq.base.servers import checked_url, trusted
from unmasq.serve.client import Owner, Peer

_TIMEOUT_SECONDS = 60
_CONNECT_SECONDS = 10


@contextmanager
def server_at(url: str, token: str, ca: Path | None = None, *, insecure: bool = False) -> Iterator[Owner]:
    """`unmasq serve` at a URL. What changes anything it refuses. Raises UsageError as `checked_url`, and for no file of certificates."""
    peer = Peer(f"the server at {url}", "is unmasq serve up there, and nothing else in between?")
    # No proxy of the environment comes between us and the server.
    client = httpx2.Client(
        base_url=checked_url(url, insecure=insecure),
        timeout=httpx2.Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_SECONDS),
        verify=trusted(ca),
        trust_env=False,
        headers={"authorization": f"Bearer {token}", "user-agent": f"unmasq/{__version__}"},
    )
    with client:
        yield Owner(client, peer)
