"""A log with known truth: a pure function of a seed, a number of lines and a shape."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from tests.truth import damage, nginx
from tests.truth.traffic import ORDINARY, Asked, Connection, Shape, Traffic
from tests.truth.world import canonical

_AGENTS = [
    f"Mozilla/5.0 ({system}) Chrome/{version}.0".encode()
    for system in ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15_7", "Linux; Android 14")
    for version in range(110, 125)
]
_PATHS = [f"/{kind}/{number}" for kind in ("search", "product", "cart", "api/v1/items", "static/css") for number in range(60)]
_PROBES = ["/wp-login.php", "/.env", "/admin", "/login", "/phpmyadmin/index.php", "/.git/config", "/cgi-bin/test.cgi"]


class Truth(NamedTuple):
    """What is true of a line. Addresses are canonical."""

    source: str | None
    """What the proxy's socket saw; None where the line does not say so any more."""
    client: str | None
    """Who is behind it; None where nothing that is left of the line can tell."""
    lies: tuple[str, ...]
    """Addresses in it that somebody wrote for whom nobody vouches."""
    damage: str
    """The kind of damage; empty for a well-formed line."""
    is_attack: bool
    connection: int
    """Number of the connection that carried it, from 1."""


@dataclass
class Log:
    """Lines without their newlines, the truth of each, and the connections that carried them."""

    lines: list[bytes] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """The log as a file."""
        return b"".join(line + b"\n" for line in self.lines)


def generate(seed: int, lines: int, shape: Shape = ORDINARY) -> Log:
    """The log of a seed."""
    traffic = Traffic(seed, shape)
    log = Log(connections=traffic.connections)
    for line, truth in _rendered(islice(traffic, lines), random.Random(seed + 1), shape):
        log.lines.append(line)
        log.truths.append(truth)
    return log


def _rendered(traffic: Iterator[Asked], rng: random.Random, shape: Shape) -> Iterator[tuple[bytes, Truth]]:
    for asked in traffic:
        request = damage.prepared(asked.damage, _request(asked, rng, shape))
        escape = nginx.none if asked.damage in damage.RAW else nginx.default
        prefix = "" if shape.is_extended else nginx.upstreaminfo(request, escape)
        payload = (nginx.extended if shape.is_extended else nginx.six_keys)(request, escape)
        whole = (prefix + payload).encode("latin-1")
        line = damage.torn(asked.damage, whole, rng)
        yield line, _truth(asked, shape, line, len(prefix))


def _request(asked: Asked, rng: random.Random, shape: Shape) -> nginx.Request:
    connection, arrived = asked.connection, asked.arrived
    source = "::ffff:" + arrived.source if ":" not in arrived.source and connection.number % 100 == 0 else arrived.source
    status = rng.choice((401, 403, 404)) if rng.random() < (0.9 if asked.is_attack else 0.015) else 200
    return nginx.Request(
        now=asked.now,
        remote_addr=(arrived.client or source) if shape.has_realip else source,
        realip_remote_addr=source,
        realip_remote_port=str(connection.port),
        server_addr=connection.dest,
        method=rng.choice(("GET", "GET", "GET", "POST")),
        uri=f"{rng.choice(_PROBES)}" if asked.is_attack else f"{rng.choice(_PATHS)}?q={rng.getrandbits(24):x}",
        status=status,
        request_length=rng.randint(200, 900),
        bytes_sent=rng.randint(150, 40_000),
        user_agent=rng.choice(_AGENTS),
        upstream=f"10.244.2.{rng.randint(5, 8)}:8080",
        request_id=f"{rng.getrandbits(128):032x}",
        age=asked.now - connection.first,
        number=connection.requests,
        connection=connection.number,
        forwarded_for=arrived.message.forwarded_for,
        real_ip=arrived.message.real_ip,
    )


def _truth(asked: Asked, shape: Shape, line: bytes, prefix: int) -> Truth:
    """The truth of a request, less what its line does not tell any more."""
    arrived = asked.arrived
    source: str | None = canonical(arrived.source)
    client = None if arrived.client is None else canonical(arrived.client)
    lies = arrived.lies + (damage.LIES if "marker" in asked.damage else ())
    if asked.damage in ("blank", "garbage"):
        source, client = None, None
    elif asked.damage in ("cut", "no marker"):
        source = None
        client = client if shape.has_realip or asked.connection.last is None else None
    return Truth(source, client, lies, asked.damage, asked.is_attack, asked.connection.number)
