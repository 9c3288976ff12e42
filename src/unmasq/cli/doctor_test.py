"""`unmasq doctor --test URL`: the old how-to's last step as one command."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.errors import UnmasqError
from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.ending import Exit
from unmasq.find.acceptance import Outcome, Result, Sent, found, outcome, settled
from unmasq.model.filter import FlowFilter
from unmasq.model.flow import Chain, Flow
from unmasq.model.health import NodeStatus
from unmasq.node.probe import send
from unmasq.serve.backend import open_backend
from unmasq.serve.protocol import Backend

FORWARDED_FOR, REAL_IP = "1.1.1.1", "2.2.2.2"
_PAUSE_SECONDS = 0.2
_LOOK_BACK_US = 2 * MICROSECONDS  # times of lines are cut to the second
_NEWEST = 1000


def run(url: str, store: Path, timeout_seconds: float, output: str) -> int:
    """Send both requests, wait for their flows, tell what became of them; fails if one of them got lost."""
    with open_backend(store, SystemClock()) as backend:
        outcomes = []
        for sent, result in _tests(backend, url, timeout_seconds):
            outcomes.append(result)
            if output == "text":
                _tell(sent, result)
    if output == "json":
        out.write(msgspec.json.encode(outcomes) + b"\n")
    elif outcomes and all(result.result != Result.BROKEN for result in outcomes):
        print("Both addresses are unverified claims: anybody can write such headers, unless a trusted proxy forwarded them.")
    return Exit.FAILED if any(result.result == Result.BROKEN for result in outcomes) else Exit.DONE


def _tests(backend: Backend, url: str, timeout_seconds: float) -> Iterator[tuple[Sent, Outcome]]:
    for real_ip in (REAL_IP, None):
        before = _status(backend)
        since_us = SystemClock().now_us() - _LOOK_BACK_US
        sent = _request(url, real_ip)
        match = _wait(backend, sent, since_us, timeout_seconds)
        result = outcome(sent, match, before, _status(backend))
        yield sent, result
        if result.result == Result.BROKEN:
            return


def _status(backend: Backend) -> NodeStatus:
    status = backend.status()
    if status is None:
        raise UnmasqError("nobody fills this store", "the test waits for a flow that a running unmasq must keep", "start unmasq run first")
    return status


def _request(url: str, real_ip: str | None) -> Sent:
    nonce = secrets.token_hex(8)
    headers = {"X-Forwarded-For": FORWARDED_FOR, "User-Agent": f"unmasq-test/{nonce}", "Connection": "close"}
    answered = send(url, headers | ({"X-Real-Ip": real_ip} if real_ip else {}))
    return Sent(FORWARDED_FOR, real_ip, nonce, answered.ip, answered.port)


def _wait(backend: Backend, sent: Sent, since_us: int, timeout_seconds: float) -> tuple[Flow, Chain] | None:
    """The flow of the request, once it is there and joined; what there is when the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        match = found(backend.flows(FlowFilter(since_us=since_us), _NEWEST).flows, sent)
        if settled(match, _status(backend)) or time.monotonic() > deadline:
            return match
        time.sleep(_PAUSE_SECONDS)


def _tell(sent: Sent, result: Outcome) -> None:
    with_real = f" and X-Real-Ip: {sent.real_ip}" if sent.real_ip else ", without X-Real-Ip"
    print(f"sent X-Forwarded-For: {sent.forwarded_for}{with_real} from {sent.ip}:{sent.port}")
    print(f"  result               {result.result}: {terminal(result.why)}")
    if result.link:
        print(f"  first broken link    {result.link}")
    if result.connection:
        print(f"  on the connection    {result.connection}, joined: {result.join}")
    if result.result != Result.BROKEN:
        print(f"  original_source_ips  {', '.join(result.original_source_ips) or '-'}")
        print(f"  client               {result.client or '-'} ({result.evidence or 'cannot be known'})")
    if result.result == Result.REWRITTEN:
        arrived = "; ".join(f"{name}: {', '.join(values)}" for name, values in result.arrived.items() if values)
        print(f"  arrived as           {terminal(arrived)}")
    if result.next:
        print(f"  next                 {terminal(result.next)}")
