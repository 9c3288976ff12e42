"""What `unmasq doctor` looks at: a store, a spool, a server, a collector's socket, or only the kernel."""

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.errors import InputError, Unreachable, UsageError
from unmasq.cli import where
from unmasq.find import proxies
from unmasq.find.alone import at_rest, in_a_pod, kernel_alone, nodes, server_checks
from unmasq.find.check import Check, State
from unmasq.find.checks import checks, node_checks
from unmasq.find.collecting import Listener, LogEnd, collecting
from unmasq.keep.shapes import Health
from unmasq.model.filter import FlowFilter
from unmasq.model.health import NodeStatus

if TYPE_CHECKING:
    from unmasq.cli.doctor import DoctorOptions
    from unmasq.serve.client import Owner

_LATELY_US = 3600 * MICROSECONDS


@dataclass(frozen=True)
class Looked:
    """The checks, and what they were made of."""

    checks: list[Check]
    status: NodeStatus | None = None
    health: Health | None = None


def looked_at(options: "DoctorOptions") -> Looked:
    """The links of what is named, those of a collector before all others; where nothing is and no collector is here, the kernel alone."""
    if options.spool is not None:
        found = _spool(options.spool)
    elif options.store is not None:
        found = _store(options.store)
    elif options.server is not None:
        found = _server(options.server, options)
    else:
        before = _collector(options.socket, is_asked=True)
        return Looked(before or _kernel(options.namespace))
    return replace(found, checks=[*_collector(options.socket, is_asked=False), *found.checks])


def server_of(url: str, options: "DoctorOptions") -> "AbstractContextManager[Owner]":
    """The server at a URL. Raises UsageError where no token is named."""
    return where.server_of(url, options.token_file, options.ca, insecure=options.insecure)


def _kernel(namespace: str | None) -> list[Check]:
    """Only the kernel, where there is nobody to ask; in a pod with a network of its own not even that."""
    from unmasq.observe import dataplane, switches
    from unmasq.observe.namespace import is_host

    if namespace is None and "KUBERNETES_SERVICE_HOST" in os.environ and not is_host():
        return [in_a_pod()]
    off, data_plane = switches.state(namespace).off, dataplane.known_by(dataplane.interfaces(namespace))
    return kernel_alone(namespace, off, data_plane, switches.table_use(namespace))


def _store(store: Path) -> Looked:
    from unmasq.serve.backend import open_backend

    with open_backend(store, SystemClock()) as backend:
        status, health, beside = backend.status(), backend.health(), proxies.checks(backend.proxies())
    return Looked([*(checks(status, health) if status else at_rest(str(store), health)), *beside], status, health)


def _spool(spool: Path) -> Looked:
    from unmasq.serve.client import owner_of

    status = None
    if spool.is_dir():
        with owner_of(spool) as node:
            status = node.status() if node else None
    if status is None:
        seen = f"nobody has the spool in {spool} open"
        return Looked([Check("node", State.BROKEN, seen, "is unmasq node running, with --spool and this folder?")])
    if status.shipping is None:
        raise UsageError(f"{spool} is no spool but a store", "an unmasq run answers there", "name it with --store")
    return Looked(node_checks(status, status.shipping), status)


def _server(url: str, options: "DoctorOptions") -> Looked:
    with server_of(url, options) as server:
        now_us = SystemClock().now_us()
        known, health = server.completeness(FlowFilter(since_us=now_us - _LATELY_US)), server.health()
        beside = proxies.checks(server.proxies())
    return Looked([*server_checks(url, health, now_us), nodes(known), *beside], None, health)


def _collector(socket: Path | None, *, is_asked: bool) -> list[Check]:
    """The links of a collector, where a socket or the environment names one, or where `is_asked` and one belongs here.

    A log that is not there is nothing to speak of where only a socket is named, as on a node.
    """
    from unmasq.node.collector.settings import TARGET, is_beside, named_by, settings_of

    is_here = is_beside(os.environ) if is_asked and socket is None else named_by(os.environ)
    if not is_here and socket is None:
        return []
    settings = settings_of({**os.environ, TARGET: str(socket)} if socket else os.environ)
    log = Path(settings.path)
    return list(collecting(_log_end(log) if is_here or log.exists() else None, _listener(settings.target)))


def _log_end(path: Path) -> LogEnd:
    from unmasq.node.collector.sample import sample

    try:
        found = sample(path, SystemClock().now_us())
    except InputError as error:
        return LogEnd(str(path), error.why)
    return LogEnd(str(path), "", found.read, found.unmarked, found.rejected)


def _listener(target: str) -> Listener:
    from unmasq.node.collector.peer import peer_of

    try:
        peer = peer_of(target)
    except Unreachable as error:
        return Listener(target, trouble=f"{error.what}: {error.why}")
    return Listener(target, peer.speaks, peer.version, peer.pod)
