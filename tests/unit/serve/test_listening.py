"""The socket that an app is served on."""

import asyncio
import socket

import pytest

from unmasq.serve.listening import tcp


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_is_answered_is_sent_without_delay(host: str):
    assert asyncio.run(_no_delay(host))


async def _no_delay(host: str) -> int:
    """TCP_NODELAY of a connection that asyncio accepted, as uvicorn does."""
    met: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def accepted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = tcp(host, 0)
    async with await asyncio.start_server(accepted, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        found = await asyncio.wait_for(met, 10)
        writer.close()
    return found
