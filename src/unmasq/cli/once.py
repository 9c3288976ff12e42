"""`unmasq run --once`: logs at rest, without a kernel."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from io import BufferedReader
from pathlib import Path
from typing import cast

from unmasq.base.clock import Clock, SystemClock
from unmasq.base.heap import tune_for_large_batches
from unmasq.base.telemetry import Counters
from unmasq.cli import output as out
from unmasq.cli.watching import summary
from unmasq.keep.day.ageing import close_days
from unmasq.keep.duck import DuckStore
from unmasq.model.ingress import Chunk
from unmasq.node.desk import Desk
from unmasq.node.flows import Surroundings
from unmasq.node.live import Covered
from unmasq.node.once import read_once
from unmasq.node.watch import Watch
from unmasq.read.cri import Unframer
from unmasq.read.log import Log
from unmasq.read.podnames import pod_that_wrote
from unmasq.read.stream import read_stream
from unmasq.read.tail import Tail
from unmasq.serve.trust import concerns, refuse
from unmasq.unwind.trust import entries_of


def run(folder: Path, watch: Watch, trust: str) -> None:
    """Read the logs to their ends and keep the flows; what the store has of them already is not read again."""
    tune_for_large_batches()
    counters, clock = Counters(), SystemClock()
    with DuckStore(folder) as store:
        trust_also(store, trust, clock)
        surroundings = Surroundings(watch.node, store.control.trust_list(), watch.node_ranges)
        now_us = clock.now_us()
        desk = Desk(watch.window, counters, lambda: surroundings, witnessed=False, began_us=now_us, format=watch.format)
        covered = {file.file: file.runs for file in store.covered()}
        read_once(at_rest(watch.logs, counters, covered, clock.now_us()), desk, store.append, clock.now_us())
        list(close_days(store))
    out.note(summary(counters))


def trust_also(store: DuckStore, ranges: str, clock: Clock) -> None:
    """Put what --trust names on the store's list, and say what speaks against it. Raises UsageError for what can only do harm."""
    entries = entries_of(ranges)
    for entry in entries:
        refuse(entry)
    store.control.trust_also(entries, clock.now_us())
    for warning in (warning for entry in entries for warning in concerns(entry)):
        out.note(f"warning: {warning}")


def at_rest(paths: Iterable[str], counters: Counters, covered: Covered, now_us: int) -> Iterator[Chunk]:
    """The whole lines of each log, from its first, out of CRI frames if they stand in them; - is standard input. Raises InputError."""
    for path in paths:
        unframer = Unframer(counters)
        if path == "-":
            for chunk in read_stream(cast(BufferedReader, sys.stdin.buffer), counters, str(now_us)):
                yield from unframer.take(chunk)
            yield from unframer.finish()
            continue
        with closing(Log(Tail(path, counters, covered, from_start=True), unframer, pod_that_wrote(path))) as log:
            yield from log.finish()
