"""Lines to our own node: whatever it has not got yet, from the log, each exactly once."""

import threading
from collections.abc import Generator, Iterable, Iterator

import grpc

from unmasq.base.clock import Clock
from unmasq.base.errors import UnmasqError
from unmasq.base.notes import Level, Notes
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.model.proto import COLLECTOR_ID
from unmasq.model.proto.lines_pb2 import Begun, File, Kept, Piece, Runs, Sent
from unmasq.node.collector.log import CollectorLog
from unmasq.node.collector.state import CollectorState
from unmasq.node.collector.trouble import trouble

METHOD = "/unmasq.v1.Lines/Send"
_POLL_SECONDS = 0.25
_ANSWER_SECONDS = 10.0  # how long the peer may take to say what it has
_LEAVE_SECONDS = 5.0  # how long it may take to take what was sent, once nothing more comes


class Streaming:
    """One stream to the socket at the path `target`. `stop` ends it in order."""

    def __init__(
        self,
        target: str,
        log: CollectorLog,
        clock: Clock,
        counters: Counters,
        notes: Notes,
        state: CollectorState,
        stop: threading.Event,
    ) -> None:
        self._target = target
        self._log, self._clock, self._counters, self._notes, self._state, self._stop = log, clock, counters, notes, state, stop
        self._answered, self._over, self._left = threading.Event(), threading.Event(), threading.Event()
        self._told: set[FileIdentity] = set()
        self._trouble: UnmasqError | None = None
        self._sending: Generator[Sent, None, None] = self._sent()
        self._call: grpc.Call | None = None
        self._limit = threading.Timer(0, lambda: None)

    def run(self, channel: grpc.Channel) -> bool:
        """Send until `stop`; False at once where the peer does not know our method. Raises Unreachable, InputError."""
        send = channel.stream_stream(METHOD, request_serializer=Sent.SerializeToString, response_deserializer=Kept.FromString)
        self._call = call = send(self._sending, metadata=((COLLECTOR_ID, self._state.id),))
        self._cancel_in(_ANSWER_SECONDS)
        try:
            for kept in call:
                self._heard(kept)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return False
            if not self._stop.is_set():
                raise trouble(error, self._target) from None
        finally:
            self._end(call)
        return True

    def _cancel_in(self, seconds: float) -> None:
        self._limit.cancel()
        self._limit = threading.Timer(seconds, lambda: self._call and self._call.cancel())
        self._limit.start()

    def _end(self, call: grpc.Call) -> None:
        """Leave, once nobody reads the log any more."""
        self._over.set()
        self._answered.set()
        call.cancel()
        while not self._is_left():
            pass
        self._limit.cancel()
        self._state.speaks = ""
        if self._trouble:
            raise self._trouble

    def _is_left(self) -> bool:
        """Whether the other thread has let go. It sees by itself that it is over, but while it waits for a next it cannot."""
        try:
            self._sending.close()
        except ValueError:  # it is at work
            return self._left.wait(_POLL_SECONDS)
        return True

    def _heard(self, kept: Kept) -> None:
        if not self._answered.is_set():
            self._limit.cancel()
            self._log.resume(_covered([*kept.committed, *kept.held]))
            self._state.speaks, self._state.has_spoken = "lines", True
            self._notes(Level.INFO, f"lines to a node that has something of {len(kept.committed)} files")
        self._log.acknowledge(_covered(kept.committed))
        self._answered.set()

    def _sent(self) -> Generator[Sent, None, None]:
        """What there is to say; run by a thread of the library, which takes the next as soon as the peer took the last."""
        try:
            self._answered.wait()
            while not (self._over.is_set() or self._stop.is_set()):
                yield from self._round()
                self._stop.wait(_POLL_SECONDS)
            if not self._over.is_set():  # told to stop: the log may be gone with its pod soon
                self._cancel_in(_LEAVE_SECONDS)
                yield from self._round()
        except UnmasqError as error:
            self._trouble = error
        finally:
            self._left.set()

    def _round(self) -> Iterator[Sent]:
        self._state.turned_us = self._clock.now_us()
        yield from self._begun()
        for chunk in self._log.poll(self._clock.now_us()):
            yield from self._begun()
            self._counters.add("collector_sent_pieces")
            yield from self._handed(Sent(piece=_piece(chunk)))
            if self._over.is_set():
                return
        yield from self._begun()

    def _begun(self) -> Iterator[Sent]:
        """Where files begin, before anything of them: after a restart the node must know them."""
        for file, offset in list(self._log.begun.items()):
            if file not in self._told:
                self._told.add(file)
                yield from self._handed(Sent(begun=Begun(file=_file(file), offset=offset)))

    def _handed(self, sent: Sent) -> Iterator[Sent]:
        """One thing to say. Until it is taken, it is the peer who is waited for."""
        self._state.held_since_us = self._clock.now_us()
        try:
            yield sent
        finally:
            self._state.held_since_us, self._state.turned_us = 0, self._clock.now_us()


def _file(identity: FileIdentity) -> File:
    return File(device=identity.device, inode=identity.inode, fingerprint=identity.fingerprint)


def _piece(chunk: Chunk) -> Piece:
    return Piece(file=_file(chunk.file), path=chunk.path, start=chunk.start, data=chunk.data, live=chunk.live, skipped=chunk.skipped)


def _covered(told: Iterable[Runs]) -> dict[FileIdentity, list[tuple[int, int]]]:
    found: dict[FileIdentity, list[tuple[int, int]]] = {}
    for each in told:
        identity = FileIdentity(each.file.device, each.file.inode, each.file.fingerprint)
        found.setdefault(identity, []).extend((run.start, run.end) for run in each.runs)
    return found
