"""A node and its server as their users start them, killed and started again; and lines that can be counted."""

import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Self

import duckdb
import httpx2

from tests.lab.deadline import until
from unmasq.keep.spool.cover import covered

UNMASQ = str(Path(sys.executable).with_name("unmasq"))
TOKEN = "the-token-of-the-nodes"
SHORT = ("--linger-seconds", "0.2", "--wait-seconds", "1", "--ship-seconds", "0.2")
DAY_SECONDS = 86_400


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A verb of unmasq as a process that can be killed and started again."""

    def __init__(self, said: Path, *argv: str, inside: Sequence[str] = ()) -> None:
        """`inside`: what it is started by, such as `ip netns exec NAME`."""
        self.argv, self._said = [*inside, UNMASQ, *argv], said
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it; nothing is waited for."""
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(self.argv, stdout=said, stderr=said)
        return self

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

    def finish(self, seconds: float = 120) -> None:
        """Tell it to stop, and wait until it has."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(seconds) == 0, self.said()

    def said(self) -> str:
        return self._said.read_text()


class Pair:
    """A server, a node and the log between the proxy and it, in one folder. `reads`: what the node reads instead of that log."""

    def __init__(
        self, folder: Path, *node: str, serve: Sequence[str] = (), ca: Path | None = None, reads: Sequence[str] | None = None
    ) -> None:
        self.port, self.log, self.store, self.spool = free_port(), folder / "log", folder / "store", folder / "spool"
        self.log.touch()
        token, known = folder / "token", folder / "known"
        for file in (token, known):
            file.write_text(TOKEN)
        listen = ("--listen", f"127.0.0.1:{self.port}", "--token-file", str(known), "--interval-seconds", "1")
        self.server = Program(folder / "server.said", "serve", "--store", str(self.store), *listen, *serve)
        scheme, trusted = ("https", ("--ca", str(ca))) if ca else ("http", ())
        to = ("--server", f"{scheme}://127.0.0.1:{self.port}", "--token-file", str(token), "--spool", str(self.spool), *trusted)
        reads = ("--input", str(self.log), "--from-start", "--no-kernel") if reads is None else reads
        self.node = Program(folder / "node.said", "node", *reads, *SHORT, *to, *node)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.node.kill()
        self.server.kill()

    def begin(self) -> None:
        """Start both, the server first: it tells the node how long an interval is."""
        self.server.start()
        until(self.answers, "the server to answer", 60)
        self.node.start()
        until(lambda: "reading" in self.node.said(), "the node to begin", 60)

    def answers(self) -> bool:
        """Whether the server does."""
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False

    def waiting(self) -> int:
        """Batches in the spool, whoever has it open."""
        return self._asked("SELECT count(*) FROM batches")

    def dropped(self) -> int:
        """Lines that the spool gave up, over all starts of the node."""
        return self._asked("SELECT coalesce(sum(lines), 0) FROM dropped")

    def committed(self) -> int:
        """Bytes of logs that the spool took."""
        with closing(sqlite3.connect(f"file:{self.spool / 'spool.sqlite'}?mode=ro", uri=True)) as db:
            return sum(end - start for runs in covered(db).values() for start, end in runs)

    def _asked(self, question: str) -> int:
        with closing(sqlite3.connect(f"file:{self.spool / 'spool.sqlite'}?mode=ro", uri=True)) as db:
            return int(db.execute(question).fetchone()[0])

    def arrived(self) -> bool:
        """Whether flows are on the server's disk."""
        return any(self.store.glob("flows-*.duckdb"))

    def emptied(self) -> None:
        """Let a node and a server end in order: all that was written is read, sent and stored, or counted."""
        until(self.answers, "the server to answer", 60)
        self.node.finish()
        begun = self.node.said().count("reading")
        self.node.start()  # what came last is in the spool now
        until(lambda: self.node.said().count("reading") > begun, "the node to begin again", 60)  # before that nobody heeds a signal
        until(lambda: self.waiting() == 0, "the spool to be emptied", 120)
        self.node.finish()
        self.server.finish()

    def stored(self) -> Counter[str]:
        return stored(self.store)


class Writer(threading.Thread):
    """Writes numbered lines at a steady rate, of today and of yesterday; nothing can compress what each of them names."""

    def __init__(self, path: Path, rate: int) -> None:
        super().__init__(daemon=True)
        self.path, self.count, self._rate, self._stop_writing = path, 0, rate, threading.Event()
        self._rng = random.Random(5)

    def run(self) -> None:
        with self.path.open("ab", buffering=0) as file:
            while not self._stop_writing.wait(0.02):
                some = self._rate // 50
                file.write(b"".join(self._line(n) for n in range(self.count, self.count + some)))
                self.count += some

    def finish(self) -> int:
        """Stop; the number of lines written."""
        self._stop_writing.set()
        self.join()
        return self.count

    def _line(self, n: int) -> bytes:
        seconds = time.time() - (DAY_SECONDS if n % 3 == 0 else 0)
        payload = {
            "source_port": "" if n % 2 else str(20_000 + n % 1000), "destination_ip": "10.0.0.80", "destination_port": "80",
            "source_ip": "192.0.2.1", "x-forwarded-for": f"100.64.{n % 200}.{n % 250}", "x-real-ip": "", "ts": f"{seconds:.3f}",
            "uri": f"/line/{n}/{self._rng.randbytes(40).hex()}",
        }  # fmt: skip
        return b"unmasq: " + json.dumps(payload).encode() + b"\n"


def stored(store: Path) -> Counter[str]:
    """How often each line is stored, over all day files."""
    asked = "SELECT value, sum(requests) FROM asked JOIN texts ON text = path WHERE value LIKE '/line/%' GROUP BY value"
    counts: Counter[str] = Counter()
    for day in sorted(store.glob("flows-*.duckdb")):
        with duckdb.connect(str(day), read_only=True) as base:
            counts.update(dict(base.execute(asked).fetchall()))
    return counts


def seeded() -> random.Random:
    """Random, and the same again where UNMASQ_SEED says so."""
    return random.Random(int(os.environ.get("UNMASQ_SEED", "20261125")))
