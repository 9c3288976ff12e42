"""What is answered on one socket: `Report` of Felix's Policy Sync, and `Send` of our own Lines.

Everything a pod sends is checked and counted: `policy_sync_reports`, `policy_sync_streams` and `policy_sync_pieces` what was taken,
`policy_sync_reports_rejected` and `policy_sync_streams_refused` what was not, by reason.
"""

import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError

from unmasq import __version__
from unmasq.base.errors import StoreError
from unmasq.base.notes import Once
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.model.proto import COLLECTOR_ID, REPORT_ID, SUPERSEDED
from unmasq.model.proto.felix_pb2 import DataplaneStats, ReportResult
from unmasq.model.proto.lines_pb2 import File, Kept, Piece, Run, Runs, Sent, Welcome
from unmasq.observe.policy_sync.credentials import Identity
from unmasq.observe.policy_sync.ledger import Known, Ledger, Refused
from unmasq.observe.policy_sync.reports import lines_of
from unmasq.observe.policy_sync.speakers import Speakers
from unmasq.observe.policy_sync.whereabouts import Ends, Whereabouts

LONGEST_MESSAGE = 2 << 20
LONGEST_REPORT = 1 << 20
REPORTS = "reports:"
"""How the identities of files begin that stand for what was reported."""
_FARTHEST = 1 << 43  # no log file is longer than this, or the offsets of its lines could not be kept
_FINGERPRINT = re.compile(r"[0-9a-f-]{1,64}")
_LONGEST_PATH = 4096
_ID = re.compile(r"[0-9a-f]{32}")
_NEWS_SECONDS = 1.0


class Answered(Protocol):
    """Where reports are from the answer on until they are committed, whoever dies meanwhile."""

    def keep(self, chunk: Chunk, report: str = "") -> bool:
        """Take the lines of a report: on disk when it returns. False if the id `report` came before. Raises StoreError."""
        ...


class Service:
    """The service of the pod whose volume has the id `name`."""

    def __init__(
        self,
        name: str,
        identity: Identity,
        ledger: Ledger,
        answered: Answered,
        whereabouts: Whereabouts,
        counters: Counters,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.identity, self.ledger, self._counters = identity, ledger, counters
        self._name, self._answered, self._whereabouts = name, answered, whereabouts
        self._reports = FileIdentity(0, 0, f"{REPORTS}{name}:{secrets.token_hex(8)}")  # a stream of lines that nobody had before
        self._speakers, self._tell = Speakers(), Once(tell)
        self._lock = threading.Lock()
        self._at = 0

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """For a server. Messages come as bytes: garbage is ours to count."""
        report: Any = grpc.unary_unary_rpc_method_handler(self._report, response_serializer=ReportResult.SerializeToString)
        send: Any = grpc.stream_stream_rpc_method_handler(self._send, response_serializer=Kept.SerializeToString)
        greet: Any = grpc.unary_unary_rpc_method_handler(self._greet, response_serializer=Welcome.SerializeToString)
        return [
            grpc.method_handlers_generic_handler("felix.PolicySync", {"Report": report}),
            grpc.method_handlers_generic_handler("unmasq.v1.Lines", {"Send": send, "Greet": greet}),
        ]

    def _greet(self, _data: bytes, _context: grpc.ServicerContext) -> Welcome:
        return Welcome(version=__version__, namespace=self.identity.namespace, workload=self.identity.workload)

    def _report(self, data: bytes, context: grpc.ServicerContext) -> ReportResult:
        if len(data) > LONGEST_REPORT:
            self._counters.add("policy_sync_reports_rejected", reason="too_long")
            return ReportResult(successful=True)
        try:
            message = DataplaneStats.FromString(data)
        except DecodeError:
            self._counters.add("policy_sync_reports_rejected", reason="garbage")
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not a DataplaneStats")
        lines = lines_of(message, self.identity.reporter, self._counters)
        if lines and not self._is_taken(lines, _report_id(context)):
            return ReportResult(successful=False)
        # Felix does not tell what it cannot use either; a collector that were told would only send it again.
        self._counters.add("policy_sync_reports", int(lines is not None))
        return ReportResult(successful=True)

    def _is_taken(self, lines: bytes, report: str) -> bool:
        """Whether the lines are on disk by now, and wait to be read or were read."""
        with self._lock:
            if not self.ledger.has_room(len(lines)):
                self._counters.add("policy_sync_reports_put_off", reason="full")
                return False
            ends = self._whereabouts.ends()
            pod = "" if ends is None else self.identity.reporter
            chunk = Chunk(self._reports, "reports", self._at, lines, live=True, pod=pod, ends=ends)
            try:
                is_new = self._answered.keep(chunk, f"{self._name}/{report}" if report else "")
            except StoreError:
                self._counters.add("policy_sync_reports_put_off", reason="disk")
                return False
            self._counters.add("policy_sync_reports_again", int(not is_new))
            if is_new:
                self._at += len(lines)
                self.ledger.put(chunk)
            return True

    def _send(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Kept]:
        """Say what is here, then take lines in beside telling what is committed of them."""
        stream, have = self.ledger.begin()
        self._counters.add("policy_sync_streams")
        if self._speakers.is_back(_told(context, COLLECTOR_ID)):
            self._displaces()
        yield Kept(committed=_runs(have.committed), held=_runs(have.held))
        refused: list[str] = []
        threading.Thread(target=self._take_all, args=(requests, stream, refused), daemon=True).start()
        while (news := self.ledger.news(stream, _NEWS_SECONDS)) is not None:
            if news:
                yield Kept(committed=_runs(news))
        if self.ledger.is_superseded(stream) and not refused:
            refused.append(SUPERSEDED)
        if refused:
            context.abort(grpc.StatusCode.ABORTED, refused[0])

    def _displaces(self) -> None:
        """Each of two collectors ends the stream of the other: everything comes, but late and by many streams."""
        self._counters.add("policy_sync_streams_displaced")
        next_step = "stop one of them, or give each proxy's pod a volume of its own"
        self._tell(f"two collectors displace each other on the socket of {self.identity.reporter}: {next_step}")

    def _take_all(self, requests: Iterator[bytes], stream: int, refused: list[str]) -> None:
        try:
            with suppress(grpc.RpcError):  # the collector is gone
                for data in requests:
                    self._take(data, stream)
        except Refused as error:
            refused.append(str(error))
            self._counters.add("policy_sync_streams_refused", reason=str(error))
        finally:
            self.ledger.end(stream)

    def _take(self, data: bytes, stream: int) -> None:
        sent = _decoded(data)
        if sent.HasField("begun"):
            self.ledger.begins(stream, _identity(sent.begun.file), _offset(sent.begun.offset))
        elif sent.HasField("piece"):
            ends = self._whereabouts.ends()
            self.ledger.take(stream, _chunk(sent.piece, self.identity.reporter, ends))
            self._counters.add("policy_sync_pieces")
            self._counters.add("policy_sync_pieces_unchecked", int(ends is None))
        else:
            self._counters.add("policy_sync_unknown", reason="message")


def _decoded(data: bytes) -> Sent:
    try:
        return Sent.FromString(data)
    except DecodeError:
        raise Refused("garbage") from None


def _report_id(context: grpc.ServicerContext) -> str:
    """What the collector calls its report; empty where it does not say."""
    return _told(context, REPORT_ID)


def _told(context: grpc.ServicerContext, name: str) -> str:
    """An id in the metadata of a call; empty where there is none."""
    told = next((value for key, value in context.invocation_metadata() if key == name), "")
    return told if isinstance(told, str) and _ID.fullmatch(told) else ""


def _chunk(piece: Piece, pod: str, ends: Ends | None) -> Chunk:
    """A piece that can be. Raises Refused."""
    start, skipped = _offset(piece.start), _offset(piece.skipped)
    _offset(start + len(piece.data) + skipped)
    if not piece.data or len(piece.path) > _LONGEST_PATH:
        raise Refused("piece")
    return Chunk(_identity(piece.file), piece.path, start, piece.data, piece.live, skipped, pod=pod, ends=ends)


def _identity(file: File) -> FileIdentity:
    if not _FINGERPRINT.fullmatch(file.fingerprint):
        raise Refused("fingerprint")
    return FileIdentity(file.device, file.inode, file.fingerprint)


def _offset(number: int) -> int:
    if not 0 <= number < _FARTHEST:
        raise Refused("offset")
    return number


def _runs(known: Known | Mapping[FileIdentity, Sequence[tuple[int, int]]]) -> Iterable[Runs]:
    for file, runs in known.items():
        told = File(device=file.device, inode=file.inode, fingerprint=file.fingerprint)
        yield Runs(file=told, runs=[Run(start=start, end=end) for start, end in runs])
