"""Both ends of Policy Sync's sockets, real ones: a Felix that knows only Report, a node, and a collector process."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import grpc

from tests.lab.deadline import until
from unmasq.base.clock import SystemClock
from unmasq.base.telemetry import Counters
from unmasq.keep.spool.reports import KeptReports
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.model.proto.felix_pb2 import DataplaneStats, ReportResult
from unmasq.observe.policy_sync.server import PolicySync

UNMASQ = str(Path(sys.executable).with_name("unmasq"))
POD = {"UID": "0c1", "Workload": "web-1", "Namespace": "shop", "ServiceAccount": "default"}


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="us-") as folder:
        yield Path(folder)


def line(number: int, forwarded: str = "1.1.1.1", real: str = "-", port: int = 40000) -> bytes:
    """A line as the old feature's users have it, with a number to be counted by."""
    payload = {
        "source_port": port, "destination_ip": "10.244.1.10", "destination_port": 80, "source_ip": "10.0.0.9",
        "x-forwarded-for": forwarded, "x-real-ip": real, "uri": f"/line/{number}",
    }  # fmt: skip
    return b"10.0.0.9 tigera_secure_ee_ingress: " + json.dumps(payload).encode() + b"\n"


class Felix:
    """A server that knows nothing but Report, as Felix does. `answers` is what it says, one a call, then yes."""

    def __init__(self, path: Path) -> None:
        self.path, self.reports, self.answers = path, [], []  # type: ignore[var-annotated]
        self.raw: list[bytes] = []

    def __enter__(self) -> Self:
        self._server = grpc.server(ThreadPoolExecutor(4))
        report: Any = grpc.unary_unary_rpc_method_handler(self._report, response_serializer=ReportResult.SerializeToString)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("felix.PolicySync", {"Report": report}),))
        self._server.add_insecure_port(f"unix:{self.path}")
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()

    def _report(self, data: bytes, context: grpc.ServicerContext) -> ReportResult:
        answer = self.answers.pop(0) if self.answers else True
        if callable(answer):
            answer(context)
        if answer:
            self.raw.append(data)
            self.reports.append(DataplaneStats.FromString(data))
        return ReportResult(successful=bool(answer))

    def named(self) -> list[str]:
        """Every address that was reported, once a report."""
        return [data.x_real_ip or data.x_forwarded_for for report in self.reports for data in report.http_data]


class Node:
    """Policy Sync with one pod, polled, whose lines are kept in memory; `keep` commits them."""

    def __init__(self, prefix: Path, kept: dict[FileIdentity, list[tuple[int, int]]] | None = None) -> None:
        self.counters, self.chunks, self.kept = Counters(), [], dict(kept or {})  # type: ignore[var-annotated]
        (prefix / "creds").mkdir(parents=True, exist_ok=True)
        (prefix / "creds/pod-1.json").write_text(json.dumps(POD))
        self.reports = KeptReports(prefix, clock := SystemClock())
        self.said: list[str] = []
        self.sync = PolicySync(prefix, lambda: self.kept, self.reports, clock, self.counters, self.said.append)
        self.socket = prefix / "mount/pod-1/socket"
        self.poll()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sync.close()
        self.reports.close()

    def poll(self) -> "Node":
        self.chunks += list(self.sync.poll(time.monotonic_ns() // 1000))
        return self

    def has_socket(self) -> bool:
        """Whether the pod has its socket, after another look."""
        return self.poll().socket.exists()

    def keep(self) -> None:
        """Commit everything, and tell."""
        fresh: dict[FileIdentity, list[tuple[int, int]]] = {file: [(0, offset)] for file, offset in self.sync.begun.items()}
        for chunk in self.chunks:
            fresh.setdefault(chunk.file, []).append((chunk.start, chunk.start + len(chunk.data) + chunk.skipped))
        for file, runs in fresh.items():
            self.kept.setdefault(file, []).extend(runs)
        self.sync.acknowledge(fresh)

    def lines(self) -> list[bytes]:
        """All lines so far."""
        return lines_of(self.poll().chunks)


def lines_of(chunks: list[Chunk]) -> list[bytes]:
    """The lines of chunks, in order."""
    return [line for chunk in chunks for line in chunk.data.splitlines(keepends=True)]


class Collecting:
    """`unmasq collect` as a process."""

    def __init__(self, log: Path, target: Path, *flags: str, **environment: str) -> None:
        self.log, self._target, self._flags, self._environment = log, target, flags, environment

    def __enter__(self) -> Self:
        told = {"INGRESS_LOG_PATH": str(self.log), "FELIX_DIAL_TARGET": str(self._target), "INGRESS_LOG_INTERVAL_SECONDS": "1"}
        environment = {**os.environ, **told, **self._environment}
        self.port = free_port()
        command = [UNMASQ, "collect", "--listen", str(self.port), *self._flags]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def reads(self) -> None:
        """Wait until it has opened its log: what is written from now on is its to send."""
        until(lambda: self._has_open(self.log), "the collector to open its log", 20)

    def ask(self, path: str) -> tuple[int, str]:
        """Status and body that it answers on its port; 0 while it does not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionRefusedError:
            return 0, ""
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """The value of a metric, all its labels together; 0 where there is none."""
        lines = [line for line in self.ask("/metrics")[1].splitlines() if line.startswith(f"unmasq_{name}")]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait(10)

    def end(self) -> str:
        """End it in order; what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=20)
        return said.decode()

    def _has_open(self, path: Path) -> bool:
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if each.readlink() == path:
                    return True
        return False


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write(log: Path, *lines: bytes) -> None:
    with log.open("ab") as file:
        file.write(b"".join(lines))
