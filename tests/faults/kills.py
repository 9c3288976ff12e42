"""`run`, `node` and `serve` killed with -9 at random moments of load, and a server that is away."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from tests.crash.shipping import Pair, Writer, seeded
from tests.faults.host import Host
from tests.faults.outcome import Outcome, Row, Rows, Size
from tests.lab.deadline import until
from tests.story.chain import Chain

_LONGEST_SECONDS = 1.5

Fault = Callable[[Pair], None]


def _of_run(folder: Path, size: Size) -> Outcome:
    rng = seeded()
    with Host(folder, size) as host:
        for _ in range(size.kills):
            loading = threading.Thread(target=host.log.write, args=(size.lines // size.kills,))
            loading.start()
            time.sleep(_LONGEST_SECONDS * rng.random())  # at any moment of it the kill may come
            host.kill()
            host.program.start()
            loading.join()
        host.kill()
        host.start()
        return host.outcome()


def _of_run_writing(folder: Path, size: Size) -> Outcome:
    """Each time at the moment at which something of a day reached the disk: what belongs together must be there together."""
    with Host(folder, size) as host:
        for _ in range(size.kills):
            before = _on_disk(host.store)
            host.log.burst(size.lines // size.kills)
            until(partial(_is_other, host.store, before), "something to be written", 30)
            host.kill()
            host.start()
        return host.outcome()


def _is_other(store: Path, before: dict[str, int]) -> bool:
    return _on_disk(store) != before


def _on_disk(store: Path) -> dict[str, int]:
    """The sizes of day files and their logs."""
    sizes: dict[str, int] = {}
    for path in store.glob("flows-*"):
        with suppress(FileNotFoundError):  # it has got its name
            sizes[path.name] = path.stat().st_size
    return sizes


def _in_turn(folder: Path, size: Size) -> Outcome:
    """The node and the server."""
    rng = seeded()

    def killing(pair: Pair) -> None:
        for number in range(2 * size.kills):
            time.sleep(_LONGEST_SECONDS * rng.random())
            killed = pair.server if number % 2 else pair.node
            killed.kill()
            killed.start()

    return _of_pair(folder, size, killing)


def _of_collect(folder: Path, size: Size) -> Outcome:
    """The collector beside the proxy, which sends the lines to a node that reads nothing else."""
    rng = seeded()
    with Chain(folder) as chain, ExitStack() as stack:
        chain.begin()
        writer = Writer(chain.log, size.rate)
        writer.start()
        for _ in range(size.kills):
            collector = stack.enter_context(chain.collecting())
            time.sleep(_LONGEST_SECONDS * (0.3 + rng.random()))  # it takes a while to begin
            collector.kill()
        stack.enter_context(chain.collecting())
        written = writer.finish()
        began = time.monotonic()
        until(lambda: chain.committed() == chain.log.stat().st_size, "the node to have the whole log", 60)
        stack.close()
        return _left(chain, written, began)


def _server_away(folder: Path, size: Size) -> Outcome:
    """For longer than a node waits with its next tries."""

    def away(pair: Pair) -> None:
        for _ in range(2):
            pair.server.kill()
            time.sleep(5)
            pair.server.start()
            until(pair.answers, "the server to answer", 60)

    return _of_pair(folder, size, away)


def _spool_over(folder: Path, size: Size) -> Outcome:
    """For so long that the spool may take no more: what it gives up is counted."""
    with Pair(folder, "--spool-mb", "1") as pair:
        pair.begin()
        pair.server.kill()
        writer = Writer(pair.log, 10 * size.rate)
        writer.start()
        until(lambda: pair.dropped() > size.lines, "the spool to be full", 120)
        pair.server.start()
        return _left(pair, writer.finish(), time.monotonic())


def _of_pair(folder: Path, size: Size, fault: Fault) -> Outcome:
    with Pair(folder) as pair:
        pair.begin()
        writer = Writer(pair.log, size.rate)
        writer.start()
        fault(pair)
        written = writer.finish()
        return _left(pair, written, time.monotonic())


def _left(pair: Pair, written: int, began: float) -> Outcome:
    """Once all is sent and stored."""
    pair.emptied()
    seconds = time.monotonic() - began
    counts = pair.stored()
    return Outcome(written, len(counts), pair.dropped(), sum(counts.values()) - len(counts), seconds)


ROWS: Rows = {
    "kill -9 of run, again and again": Row(_of_run),
    "kill -9 of run, whenever it writes": Row(_of_run_writing),
    "kill -9 of node and serve in turn": Row(_in_turn),
    "kill -9 of collect, again and again": Row(_of_collect),
    "server away": Row(_server_away),
    "server away until the spool is full": Row(_spool_over),
}
