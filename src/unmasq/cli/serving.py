"""The process of `unmasq serve`."""

from pathlib import Path

from unmasq.base.clock import SystemClock
from unmasq.base.heap import tune_for_large_batches
from unmasq.base.servers import is_loopback
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.cli.once import trust_also
from unmasq.cli.turns import Turns
from unmasq.keep.control.tokens import Tokens
from unmasq.keep.day.ageing import Ageing
from unmasq.keep.duck import DuckStore
from unmasq.serve.server import Public, Server
from unmasq.show import words

_PAUSE_SECONDS = 60.0


def run(folder: Path, public: Public, trust: str, retention_days: int) -> None:
    """Serve until SIGTERM or SIGINT; then write everything and answer whoever waits for that."""
    tune_for_large_batches()
    clock, counters = SystemClock(), Counters()
    turns = Turns(counters)
    with DuckStore(folder) as store:
        trust_also(store, trust, clock)
        ageing = Ageing(store, retention_days, clock.now_us())

        def turn() -> None:
            ageing.turn(clock.now_us())
            turns.stop.wait(_PAUSE_SECONDS)

        with Server(store, public, clock, counters, out.note) as server:
            _say(folder, public, server.port)
            turns.run(turn)
    out.note(f"took {words.counted(counters.of('ingest_flows'), 'flow')} from nodes")


def _say(folder: Path, public: Public, port: int) -> None:
    at = f"[{public.host}]:{port}" if ":" in public.host else f"{public.host}:{port}"
    out.note(f"serving the store in {folder} on {'https' if public.tls else 'http'}://{at}")
    if not public.tls and not is_loopback(public.host):
        out.note("without TLS whoever is on the way can read tokens and flows, and change them: is there a proxy with TLS before it?")
    if public.node_token() is None and not Tokens(folder).all():
        out.note(f"there is no token yet, so nobody is let in: unmasq token create NAME --store {folder} --file FILE")
