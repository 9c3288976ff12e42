"""What is promised of any bytes that another process sends: batches of nodes, what pods say on Policy Sync, and credentials."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn

import zstandard

from tests.property.test_wire import same
from unmasq.base.clock import ManualClock
from unmasq.base.errors import BatchRefused
from unmasq.base.telemetry import Counters
from unmasq.model import wire
from unmasq.model.address import NONE
from unmasq.model.flaws import flaw_of
from unmasq.model.flowbatch import Evidence
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.observe.policy_sync.credentials import Identity, NotUnderstood, identity_of
from unmasq.observe.policy_sync.ledger import Ledger
from unmasq.observe.policy_sync.reports import MOST_LINES
from unmasq.observe.policy_sync.service import Service
from unmasq.observe.policy_sync.whereabouts import Whereabouts
from unmasq.read.formats.lines import LineReader
from unmasq.unwind.trust import TrustList, entry
from unmasq.unwind.walk import read_headers, walk

REPORTER = Identity("uid", "web-1", "shop", "default")
BETWEEN = b"\n--\n"
"""Between two messages of one stream."""
EVERYBODY = TrustList([entry("all", "0.0.0.0/0"), entry("all", "::/0")], 1)


def batch(data: bytes) -> None:
    """What arrives is refused with a reason, or has no flaw and survives the way back."""
    for sent in (data, zstandard.compress(data)):
        try:
            arrived = wire.decode(sent)
        except BatchRefused:
            continue
        assert flaw_of(arrived) is None
        assert same(arrived, wire.decode(wire.encode(arrived)))


class Aborted(Exception):
    """A call ended with a status other than OK."""


class Call:
    """What gRPC hands to a method beside the message."""

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    def abort(self, _code: object, why: str) -> NoReturn:
        raise Aborted(why)


class Node:
    """The node's end of one pod's socket."""

    def __init__(self) -> None:
        self.counters, self.ledger = Counters(), Ledger("volume", {})
        whereabouts = Whereabouts(lambda: None, ManualClock(0))
        answered: Any = SimpleNamespace(keep=lambda _chunk, _report="": True)
        self._service = Service("volume", REPORTER, self.ledger, answered, whereabouts, self.counters)

    def method(self, path: str) -> Any:
        found = (each.service(SimpleNamespace(method=path, invocation_metadata=())) for each in self._service.handlers())
        return next(filter(None, found))

    def handed_over(self) -> list[Chunk]:
        return list(self.ledger.drain())


def report(data: bytes) -> None:
    """A report is refused and counted, or each of its lines is read as it says and makes nobody a client, whoever is trusted."""
    node = Node()
    try:
        node.method("/felix.PolicySync/Report").unary_unary(data, Call())
    except Aborted:
        assert node.counters.of("policy_sync_reports_rejected", "garbage") == 1
    chunks = node.handed_over()
    assert node.counters.of("policy_sync_reports") + node.counters.of("policy_sync_reports_rejected") == 1
    for chunk in chunks:
        reader = LineReader()
        found = reader.read(chunk, 1)
        assert len(found) == chunk.data.count(b"\n") <= MOST_LINES
        assert not found.reject.any()
        for text in {reader.vocabulary.text(number) for number in found.headers.tolist()}:
            verdict = walk((1, 1), "kernel", read_headers(text), EVERYBODY)
            assert verdict[:2] == (NONE, Evidence.NONE)


def stream(data: bytes) -> None:
    """Pieces of logs are taken in once each under names that are the pod's own, or their stream ends with a reason that is counted."""
    node = Node()
    with _raised_in_threads() as raised:
        told, why = _sent(node, iter(data.split(BETWEEN)))
    assert not raised, raised
    chunks = node.handed_over()
    assert bool(why) == (node.counters.of("policy_sync_streams_refused") == 1)
    assert node.counters.of("policy_sync_pieces") == len(chunks)
    assert told == 1
    taken: dict[FileIdentity, list[range]] = {}
    for chunk in chunks:
        assert chunk.data
        assert (chunk.pod, chunk.file.fingerprint.startswith("volume/")) == ("shop/web-1", True)
        covered = range(chunk.start, chunk.start + len(chunk.data) + chunk.skipped)
        for other in taken.setdefault(chunk.file, []):
            assert covered.stop <= other.start or other.stop <= covered.start, "the same bytes twice"
        taken[chunk.file].append(covered)
        LineReader().read(chunk, 1)


def _sent(node: Node, messages: Iterator[bytes]) -> tuple[int, str]:
    """How many answers came before the end of a stream, and why it was ended; empty where the sender did."""
    count = 0
    try:
        for _ in node.method("/unmasq.v1.Lines/Send").stream_stream(messages, Call()):
            count += 1
    except Aborted as error:
        return count, str(error)
    return count, ""


@contextmanager
def _raised_in_threads() -> Iterator[list[BaseException | None]]:
    """What threads raise meanwhile."""
    raised: list[BaseException | None] = []
    before, threading.excepthook = threading.excepthook, lambda told: raised.append(told.exc_value)
    try:
        yield raised
    finally:
        threading.excepthook = before


def credentials(data: bytes) -> None:
    """A file names a pod, or is not understood in words that a terminal can show."""
    try:
        told = identity_of(data).reporter
    except NotUnderstood as error:
        told = f"/{error}"
    assert told.isprintable()
    assert "/" in told
