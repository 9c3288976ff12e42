"""Lines and kernel events of invented traffic, for stories that run a minute in a millisecond."""

from collections.abc import Sequence

from unmasq.base.telemetry import Counters
from unmasq.join.settings import WindowSettings
from unmasq.model.address import NONE, parse, parse_range
from unmasq.model.connection import ConnectionBatch, ConnectionEvent, Witnessed
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.unwind.trust import TrustList, entry

SECOND = 1_000_000
NOON = 1_795_262_400 * SECOND  # 2026-11-21 12:00:00 UTC, a whole minute
CLIENT, OTHER, EDGE, GATEWAY, PROXY, NODE = "198.51.100.10", "198.51.100.11", "203.0.113.20", "10.244.1.1", "10.244.1.10", "10.0.0.2"
FILE = FileIdentity(1, 7, "story")

Tuple = tuple[str, int, str, int]


def line(
    source: str,
    port: int | str,
    xff: str = "-",
    real: str = "-",
    *,
    at: int | None = None,
    age: float | None = None,
    own: tuple[str, int] | None = (PROXY, 80),
) -> str:
    """A marker line of PROXY:80; `at` (microseconds) and `age` (seconds of the connection) make it an extended one.

    Without `own`, the proxy's end of the connection, it is one of a proxy that does not log it.
    """
    extended = f', "ts": "{at / SECOND:.3f}"' if at is not None else ""
    extended += f', "connection_time": "{age:.3f}"' if age is not None else ""
    port_text = f'"{port}"' if isinstance(port, str) else port
    end = f'"destination_ip": "{own[0]}", "destination_port": {own[1]}, ' if own else ""
    return (
        f'unmasq: {{"source_port": {port_text}, {end}"source_ip": "{source}", "x-forwarded-for": "{xff}", "x-real-ip": "{real}"{extended}}}'
    )


def connection(
    client: tuple[str, int],
    at: int,
    *,
    id_: int = 1,
    event: ConnectionEvent = ConnectionEvent.NEW,
    seen_as: tuple[str, int] | None = None,
    to: str = PROXY,
    own: tuple[str, int] = (PROXY, 80),
    start: int | None = None,
    stop: int = 0,
    counts: tuple[int, int, int, int] = (-1, -1, -1, -1),
    witness: Witnessed = Witnessed.CONNTRACK,
    after: int = 0,
) -> ConnectionBatch:
    """One kernel event of a connection to PROXY:80, or to another end, `own`.

    `seen_as`: what the proxy saw where a node translated the source.
    """
    source = seen_as or client
    names: dict[str, Sequence[int]] = {}
    for prefix, (address, port) in {
        "orig_src": client, "orig_dst": (to, 80), "reply_src": own, "reply_dst": source,
    }.items():  # fmt: skip
        pair = parse(address) or NONE
        names |= {f"{prefix}_hi": [pair[0]], f"{prefix}_lo": [pair[1]], f"{prefix[:-4]}_{prefix[-3]}port": [port]}
    names |= {
        "event": [event], "id": [id_], "protocol": [6], "start_us": [at if start is None else start], "stop_us": [stop], "seen_us": [at],
        "witness": [witness], "after_us": [after],
        "bytes_orig": [counts[0]], "bytes_reply": [counts[1]], "packets_orig": [counts[2]], "packets_reply": [counts[3]],
    }  # fmt: skip
    return ConnectionBatch.of(names)


def only(batches: Sequence[FlowBatch]) -> FlowBatch | None:
    """The one batch of so few flows, if there are any."""
    assert len(batches) <= 1
    return next(iter(batches), None)


class Story:
    """A desk with a clock of its own: tell it lines and connections, then ask for the flows."""

    def __init__(
        self, *, trust: Sequence[str] = (), node_ranges: Sequence[str] = (), witnessed: bool = True, settings: WindowSettings | None = None
    ) -> None:
        self.counters = Counters()
        self.trust = TrustList([entry("lb", text) for text in trust], 1)
        self.around = Surroundings("node-1", self.trust, [parse_range(text) for text in node_ranges])
        self.desk = Desk(
            settings or WindowSettings(), self.counters, lambda: self.around, witnessed=witnessed, began_us=NOON - 3600 * SECOND
        )
        self.now = NOON
        self.offset = 0
        self._seen: dict[int, FlowBatch] = {}

    def tell(self, *lines: str) -> None:
        """Lines that are read now."""
        data = "".join(text + "\n" for text in lines).encode()
        self.desk.take_lines(Chunk(FILE, "log", self.offset, data, live=True), self.now)
        self.offset += len(data)

    def kernel(self, *events: ConnectionBatch, dump_began: int | None = None) -> None:
        """Events that arrive now; a whole dump says when it began."""
        self.desk.take_connections(ConnectionBatch.concat(events), dump_began)

    def open(self) -> list[FlowBatch]:
        """What is still here, as questions see it that remember what they saw."""
        parts = self.desk.open(self._seen)
        self._seen = {serial: batch or self._seen[serial] for serial, batch in parts}
        return list(self._seen.values())

    def after(self, seconds: float) -> FlowBatch | None:
        """Let time pass, then take what is complete."""
        self.now += int(seconds * SECOND)
        return only(self.desk.close(self.now))

    def end(self) -> FlowBatch:
        """Everything that is left."""
        batch = only(self.desk.close(self.now, everything=True))
        assert batch is not None, "nothing is left"
        return batch
