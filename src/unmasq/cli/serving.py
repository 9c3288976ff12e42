"""The process of `unmasq serve`."""

from pathlib import Path

from unmasq.base.clock import SystemClock
from unmasq.base.heap import tune_for_large_batches
from unmasq.base.servers import is_loopback
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.cli.once import trust_also
from unmasq.cli.port import Port, say_link
from unmasq.cli.turns import Turns
from unmasq.keep.control.tokens import Tokens
from unmasq.keep.day.ageing import Ageing
from unmasq.keep.duck import DuckStore
from unmasq.serve.server import Public, Server
from unmasq.show import words

_PAUSE_SECONDS = 60.0


def run(folder: Path, port: Port, public: Public, trust: str, retention_days: int) -> None:
    """Serve until SIGTERM or SIGINT; then write everything and answer whoever waits for that."""
    tune_for_large_batches()
    clock, counters = SystemClock(), Counters()
    turns = Turns(counters)
    with DuckStore(folder) as store:
        trust_also(store, trust, clock)
        ageing = Ageing(store, retention_days, clock.now_us())

        def turn() -> None:
            ageing.turn(clock.now_us())
            turns.pause(_PAUSE_SECONDS)

        with Server(store, public, clock, counters, out.note) as server:
            _say(folder, port, server.port)
            say_link(port, server.port, server.site.sessions)
            turns.run(turn)
    out.note(f"took {words.counted(counters.of('ingest_flows'), 'flow')} from nodes")


def _say(folder: Path, port: Port, bound: int) -> None:
    out.note(f"serving the store in {folder} on {port.url(bound)}")
    if not port.tls and not is_loopback(port.host):
        out.note("without TLS whoever is on the way can read tokens and flows, and change them: is there a proxy with TLS before it?")
    if all(token.role != "node" for token in Tokens(folder).all()):
        out.note(f"no node is let in yet, but by --token-file: unmasq token add NAME --role node --store {folder} --file FILE")
