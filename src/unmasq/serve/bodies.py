"""The body of a request, as long as it comes and is not too large: whoever stalls must not hold a connection for ever."""

import asyncio

from starlette.requests import Request

from unmasq.base.errors import BatchTooLarge

PATIENCE_SECONDS = 60.0
"""For a body, beside what it may take at LEAST_RATE."""
LEAST_RATE = 64 << 10
"""Bytes a second: whoever sends more slowly than that keeps others out."""


async def received(request: Request, most_bytes: int) -> bytes:
    """The body of a request. Raises BatchTooLarge, and TimeoutError where it stalls, or comes too slowly."""
    body, latest = bytearray(), asyncio.get_running_loop().time() + PATIENCE_SECONDS
    async with asyncio.timeout_at(latest) as deadline:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise BatchTooLarge("a batch is too large", f"its body is longer than {most_bytes:,} bytes", "send less at once")
            deadline.reschedule(latest + len(body) / LEAST_RATE)
    return bytes(body)
