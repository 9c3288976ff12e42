"""All pods of a node that report: their sockets, opened and closed as they come and go, as one source of lines."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from unmasq.base.clock import MICROSECONDS, Clock
from unmasq.base.errors import KernelError, StoreError, Unreachable
from unmasq.base.notes import Standing
from unmasq.base.telemetry import Counters
from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.observe.policy_sync.credentials import Credentials, Identity
from unmasq.observe.policy_sync.ledger import Ledger
from unmasq.observe.policy_sync.service import REPORTS, Answered, Service
from unmasq.observe.policy_sync.sockets import Endpoint
from unmasq.observe.policy_sync.whereabouts import MOST_PROCESSES, Whereabouts, addresses_of
from unmasq.observe.processes import Processes

PREFIX = Path("/var/run/unmasq")
_LOOK_US = 250_000
_AGAIN_US = 5 * MICROSECONDS  # after a socket could not be had

Covered = Mapping[FileIdentity, Sequence[tuple[int, int]]]


class Reports(Answered, Protocol):
    """Reports that were answered and are not committed yet."""

    def forget(self, file: FileIdentity, runs: Sequence[tuple[int, int]]) -> None:
        """These runs of lines are committed. Raises StoreError."""
        ...

    def left(self, covered: Covered) -> Iterator[Chunk]:
        """What an earlier process took and did not commit."""
        ...


class PolicySync:
    """The sockets below `prefix`, laid out as Felix does: `creds/ID.json` by the volume's driver, `mount/ID/socket` by us.

    Polled as `unmasq.read.tail.Tail` is, by one thread; `acknowledge` may be called by any. `covered` says what is kept by
    now, asked at the start and once for each new pod. The folders are made if they are missing, and closed to others. Raises
    KernelError where that cannot be. `tell` gets what a person should know, once each. Counters: `policy_sync_sockets` (`opened`,
    `closed`), `policy_sync_sockets_refused` by reason, `policy_sync_reports_unforgotten`, `policy_sync_*` of `credentials`,
    `reports` and `service`.
    """

    def __init__(
        self,
        prefix: Path,
        covered: Callable[[], Covered],
        reports: Reports,
        clock: Clock,
        counters: Counters,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.prefix, self._covered, self._reports, self._clock, self._counters = prefix, covered, reports, clock, counters
        self._tell, self._standing = tell, Standing(tell)
        _make(prefix, "creds", "mount")
        self._processes = Processes(Path("/proc"), counters, MOST_PROCESSES)
        self._left = reports.left(covered())
        self._credentials = Credentials(prefix / "creds", counters)
        self._endpoints: dict[str, Endpoint] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._not_before: dict[str, int] = {}
        self._looked_us: int | None = None
        self._closed = False

    @property
    def begun(self) -> Mapping[FileIdentity, int]:
        """As `Tail.begun`, over all pods."""
        return {file: offset for ledger in self._ledgers.values() for file, offset in ledger.begun.items()}

    @property
    def pods(self) -> dict[str, Identity]:
        """Those who have a socket now, by the id of their volume. Any thread may ask."""
        return {name: endpoint.service.identity for name, endpoint in list(self._endpoints.items())}

    @property
    def troubles(self) -> list[str]:
        """Which credentials are of no use, and why. Any thread may ask."""
        return self._credentials.troubles

    def poll(self, now_us: int) -> Iterator[Chunk]:
        """The lines that were handed over since, pod by pod; never waits."""
        if not self._closed and (self._looked_us is None or abs(now_us - self._looked_us) >= _LOOK_US):
            self._looked_us = now_us
            self._look(now_us)
        while (chunk := next(self._left, None)) is not None:  # where reading breaks off, the rest is for the next poll
            yield chunk
        for ledger in list(self._ledgers.values()):
            yield from ledger.drain()

    def acknowledge(self, covered: Covered) -> None:
        """These runs are committed: their collectors are told. Files of others are ignored."""
        for file, runs in covered.items():
            if file.fingerprint.startswith(REPORTS):
                self._forget(file, runs)
            ledger = self._ledgers.get(file.fingerprint.partition("/")[0])
            if ledger is not None:
                ledger.acknowledge(file, runs)

    def _forget(self, file: FileIdentity, runs: Sequence[tuple[int, int]]) -> None:
        try:
            self._reports.forget(file, runs)
        except StoreError:  # the next process sees that they are covered
            self._counters.add("policy_sync_reports_unforgotten")

    def close(self) -> None:
        """Close all sockets, for good. What was handed over can still be polled; lines that are not are sent again to the next."""
        self._closed = True
        for name in list(self._endpoints):
            self._close(name)

    def _look(self, now_us: int) -> None:
        """Open the sockets of new pods, close those of pods that are gone; again, those that somebody took away."""
        wanted = self._credentials.read()
        self._standing.are(f"{self.prefix}/creds: {trouble}" for trouble in self._credentials.troubles)
        for name, endpoint in list(self._endpoints.items()):
            if wanted.get(name) != endpoint.service.identity or not endpoint.is_in_place:
                self._close(name)
        for name, identity in wanted.items():
            if name not in self._endpoints and now_us >= self._not_before.get(name, 0):
                self._open(name, identity, now_us)
        self._not_before = {name: us for name, us in self._not_before.items() if name in wanted}
        self._ledgers = {name: one for name, one in self._ledgers.items() if name in wanted or not one.is_settled()}

    def _open(self, name: str, identity: Identity, now_us: int) -> None:
        # A pod may come back; what it handed over is still known then.
        ledger = self._ledgers.get(name) or Ledger(name, self._covered())
        self._ledgers = self._ledgers | {name: ledger}  # a new one: others are looking at the old
        where = Whereabouts(partial(addresses_of, identity.uid, self._processes), self._clock)
        try:
            service = Service(name, identity, ledger, self._reports, where, self._counters, self._tell)
            self._endpoints[name] = Endpoint(self.prefix, name, service)
        except Unreachable as error:
            self._counters.add("policy_sync_sockets_refused", reason=error.why.lower())
            self._not_before[name] = now_us + _AGAIN_US
            return
        self._counters.add("policy_sync_sockets", reason="opened")

    def _close(self, name: str) -> None:
        self._endpoints.pop(name).close()
        self._counters.add("policy_sync_sockets", reason="closed")


def _make(prefix: Path, *names: str) -> None:
    """The folders below a prefix, for us alone: whoever is bound to a folder in there does not come by this way. Raises KernelError."""
    try:
        for folder in (prefix / name for name in names):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.stat()
            if status.st_uid == os.geteuid():
                folder.chmod(stat.S_IMODE(status.st_mode) & 0o700)
    except OSError as error:
        why = f"{error.strerror}: {error.filename}"
        raise KernelError(f"no sockets below {prefix}", why, "run it as root, or name a folder of your own") from None
