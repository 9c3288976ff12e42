"""One request, hop by hop: somebody writes headers, each proxy on the way appends whom it saw, the last one reaches us.

The truth is known because it happens here: the client is who connected to the first machine of ours.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.truth.world import CDN, EDGE, INNER, TRUST, Proxy, invented

MOST_HOPS = 4
"""Elements of X-Forwarded-For, what liars wrote included."""

_OURS = [text.partition("/")[0] for text in TRUST]


@dataclass(frozen=True)
class Message:
    """The two headers as they travel; None where a header was not sent."""

    forwarded_for: bytes | None = None
    real_ip: bytes | None = None


@dataclass(frozen=True)
class Arrived:
    """A request as our ingress sees it, and what is true of it.

    `lies` are the addresses that somebody wrote for whom nobody vouches. `client` is None where a proxy of ours hid it.
    """

    source: str
    message: Message
    client: str | None
    lies: tuple[str, ...]


def route(last: Proxy | None, rng: random.Random) -> list[Proxy]:
    """Proxies from the client to `last`, which connects to our ingress; none for a client who comes directly."""
    if last is None:
        return []
    if last in INNER:
        return [*route(rng.choice(EDGE), rng), last]
    return [rng.choice(CDN), last] if rng.random() < 0.4 else [last]


def travel(origin: str, written: Message, lies: Sequence[str], hops: Sequence[Proxy], rng: random.Random) -> Arrived:
    """The request of `origin`, who wrote these headers, over these proxies of ours."""
    peer, message = origin, written
    client: str | None = origin
    for proxy in hops:
        hides = peer == origin and rng.random() < 0.0005
        if hides:
            client = None
        message = _forwarded(message, "unknown" if hides else proxy.writes(peer, rng), proxy, is_first=peer == origin)
        peer = proxy.address
    return Arrived(peer, message, client, tuple(lies))


def _forwarded(message: Message, seen: str, proxy: Proxy, *, is_first: bool) -> Message:
    before = message.forwarded_for + proxy.joint.encode() if message.forwarded_for else b""
    real = seen.encode() if is_first and proxy.sets_real_ip else message.real_ip
    return Message(before + seen.encode(), real)


def honest(rng: random.Random, hops: int) -> tuple[Message, list[str]]:
    """What an ordinary client sends: mostly nothing; a few sit behind a proxy of their own, which we do not know."""
    if hops >= MOST_HOPS or rng.random() > 0.04:
        return Message(), []
    if rng.random() < 0.1:
        return Message(rng.choice([b"unknown", b"_hidden"])), []
    behind = f"172.16.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    port = f":{rng.randint(1024, 65535)}" if rng.random() < 0.1 else ""
    return Message((behind + port).encode()), [behind]


def forged(rng: random.Random, hops: int) -> tuple[Message, list[str]]:
    """What a liar sends: invented addresses, some of them our own proxies', and some X-Real-IP as well."""
    lies = [_lie(rng) for _ in range(rng.randint(1, max(1, MOST_HOPS - hops)))] if hops < MOST_HOPS else []
    real = _lie(rng) if rng.random() < 0.6 or not lies else None
    return Message(", ".join(lies).encode() or None, real.encode() if real else None), [*lies, *filter(None, [real])]


def _lie(rng: random.Random) -> str:
    return rng.choice(_OURS[:3])[:-1] + "77" if rng.random() < 0.15 else invented(rng.randrange(1 << 20))
