"""Who asks next, on which connection, over which proxies: requests without end, a pure function of a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from tests.truth import damage
from tests.truth.journey import Arrived, Message, forged, honest, route, travel
from tests.truth.world import EDGE, INNER, Proxy, attacker, client, invented

BEGAN = 1_795_262_400.0
"""Seconds since 1970: 2026-11-21 12:00:00 UTC."""

ATTACKERS = 60
"""Half of them, those with even numbers, forge headers."""

_OPEN = 300


@dataclass(frozen=True)
class Shape:
    """What kind of log it is."""

    pool: int = 10_000
    """Distinct clients; few of them send most requests."""
    lines_per_second: float = 1000.0
    attacks: float = 0.032
    """The part of the lines that attackers send."""
    damaged: float = 0.002
    """The part of the lines that are broken."""
    is_flood: bool = False
    """Two addresses in the headers of every line, and no line before had them."""
    is_extended: bool = False
    """The extended template without a prefix, instead of the documented one behind `upstreaminfo`."""
    has_realip: bool = False
    """nginx rewrites the address in the prefix to the client's."""


ORDINARY = Shape()


class Origin(NamedTuple):
    """Somebody who asks."""

    address: str
    is_attacker: bool = False
    forges: bool = False


@dataclass
class Connection:
    """A TCP connection to our ingress, kept alive for several requests. Times in seconds since 1970."""

    number: int
    source: str
    port: int
    last: Proxy | None
    """Our proxy that opened it; None where a client did."""
    origin: Origin | None
    """The client that opened it; None where a proxy carries requests of many."""
    first: float
    most: int
    requests: int = 0
    until: float = 0.0

    @property
    def dest(self) -> str:
        """Our ingress, in the family of the source."""
        return "2001:db8:1e::10" if ":" in self.source else "10.244.1.10"


class Asked(NamedTuple):
    """One request: when and on which connection, how it arrived, and the kind of damage that its line will have ("": none)."""

    now: float
    connection: Connection
    arrived: Arrived
    is_attack: bool
    damage: str


class Traffic:
    """Requests on a few hundred open connections, in the order in which they end."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self._rng, self._shape = random.Random(seed), shape
        self._fresh = count(shape.pool)
        self._now = BEGAN
        self._open: list[Connection] = []
        self.connections: list[Connection] = []

    def __iter__(self) -> Iterator[Asked]:
        rng, shape = self._rng, self._shape
        while True:
            self._now += rng.random() * 2 / shape.lines_per_second
            connection = self._connection()
            kind = rng.choice(damage.KINDS) if rng.random() < shape.damaged else ""
            arrived, is_attack = self._arrival(connection, kind)
            yield Asked(self._now, connection, arrived, is_attack, kind)

    def _connection(self) -> Connection:
        """An open connection, which carries one request more."""
        place = self._rng.randrange(_OPEN)
        if place >= len(self._open):
            self._open.append(self._connect())
            place = len(self._open) - 1
        chosen = self._open[place]
        chosen.requests, chosen.until = chosen.requests + 1, self._now
        if chosen.requests == chosen.most:
            self._open[place] = self._open[-1]
            self._open.pop()
        return chosen

    def _connect(self) -> Connection:
        rng, number = self._rng, len(self.connections) + 1
        direct = rng.random() < 0.04 and not self._shape.is_flood
        last = None if direct else rng.choice(EDGE if rng.random() < 0.6 or self._shape.is_flood else INNER)
        origin = self._somebody() if direct else None
        source = last.address if last else origin.address if origin else ""
        self.connections.append(Connection(number, source, 1024 + number % 64000, last, origin, self._now, rng.randint(1, 9)))
        return self.connections[-1]

    def _somebody(self) -> Origin:
        if self._shape.is_flood:
            return Origin(client(next(self._fresh)))
        if self._rng.random() < self._shape.attacks:
            number = self._rng.randrange(ATTACKERS)
            return Origin(attacker(number), is_attacker=True, forges=number % 2 == 0)
        return Origin(client(int(self._shape.pool * self._rng.random() ** 3)))

    def _arrival(self, connection: Connection, kind: str) -> tuple[Arrived, bool]:
        rng, last = self._rng, connection.last
        if last and not (kind or self._shape.is_flood) and rng.random() < 0.002:
            return travel(last.address, Message(), (), (), rng), False  # the balancer's own health check
        origin = connection.origin or self._somebody()
        hops = [last] if last and self._shape.is_flood else route(last, rng)
        written, lies = self._written(origin, len(hops))
        if kind in damage.HEADERS:
            written, lies = Message(damage.HEADERS[kind], written.real_ip), [*lies, *damage.LIES]
        return travel(origin.address, written, lies, hops, rng), origin.is_attacker

    def _written(self, origin: Origin, hops: int) -> tuple[Message, list[str]]:
        if self._shape.is_flood:
            lie = invented(next(self._fresh))
            return Message(lie.encode()), [lie]
        return (forged if origin.forges else honest)(self._rng, hops)
