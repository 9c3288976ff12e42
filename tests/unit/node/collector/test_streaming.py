"""A stream whose peer takes nothing more: real gRPC, with its real windows."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from tests.lab.deadline import until
from tests.story.peers import line, short_folder, write
from unmasq.base.clock import ManualClock, SystemClock
from unmasq.base.notes import Level, Notes
from unmasq.base.telemetry import Counters
from unmasq.model.proto.lines_pb2 import Kept, Sent
from unmasq.node.collector.health import Answers
from unmasq.node.collector.log import CollectorLog
from unmasq.node.collector.state import CollectorState
from unmasq.node.collector.streaming import Streaming

HOUR_US = 3_600_000_000


class Full:
    """A node that says what it has, and takes nothing until it is told to."""

    def __init__(self, path):
        self.taken, self.takes = 0, threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(2))
        send: Any = grpc.stream_stream_rpc_method_handler(self._send, Sent.FromString, Kept.SerializeToString)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("unmasq.v1.Lines", {"Send": send}),))
        self._server.add_insecure_port(f"unix:{path}")

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self.takes.set()
        self._server.stop(None).wait()

    def _send(self, requests, _context):
        yield Kept()
        self.takes.wait(60)
        for sent in requests:
            self.taken += len(sent.piece.data)


def test_a_collector_that_is_held_back_is_alive():
    with short_folder() as folder, Full(folder / "s") as node:
        write(folder / "log", *[line(0) * 1000] * 100)
        state, counters, stop, clock = CollectorState(), Counters(), threading.Event(), SystemClock()
        notes = Notes(Level.PANIC, print)
        log = CollectorLog(str(folder / "log"), counters, notes, warn_bytes=1 << 40, give_back=False)
        later = Answers(str(folder / "log"), state, counters, ManualClock(clock.now_us() + HOUR_US))
        with grpc.insecure_channel(f"unix:{folder / 's'}") as channel:
            streaming = Streaming(str(folder / "s"), log, clock, counters, notes, state, stop)
            thread = threading.Thread(target=streaming.run, args=(channel,))
            thread.start()
            until(lambda: state.held_since_us and later.of("/healthz")[0] == 200, "it to be held back")
            assert later.of("/healthz")[2].startswith(b"held back for 36")
            node.takes.set()
            until(lambda: node.taken == (folder / "log").stat().st_size and not state.held_since_us, "everything to be taken", 20)
            assert later.of("/healthz")[0] == 503, "and it is on the reader again to turn"
            stop.set()
            thread.join(20)
        log.close()
