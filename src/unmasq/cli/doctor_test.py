"""`unmasq doctor --test URL`: the old how-to's last step as one command."""

import secrets
import time
from collections.abc import Callable, Iterator

import msgspec

from unmasq.base.clock import MICROSECONDS, SystemClock
from unmasq.base.safe import terminal
from unmasq.cli import output as out
from unmasq.cli.doctor_sides import Side
from unmasq.cli.ending import Exit
from unmasq.find.acceptance import Match, Outcome, Result, Sent, found, outcome
from unmasq.model.filter import FlowFilter
from unmasq.node.probe import send
from unmasq.serve.protocol import Backend

FORWARDED_FOR, REAL_IP = "1.1.1.1", "2.2.2.2"
_PAUSE_SECONDS = 0.2
_LOOK_BACK_US = 2 * MICROSECONDS  # times of lines are cut to the second
_NEWEST = 1000


def run(url: str, side: Callable[[], Side], timeout_seconds: float, output: str) -> int:
    """Send both requests, wait for their flows, tell what became of them; fails if one of them got lost.

    `side` is asked before each request.
    """
    outcomes = []
    for sent, result in _tests(side, url, timeout_seconds):
        outcomes.append(result)
        if output == "text":
            _tell(sent, result)
    if output == "json":
        out.write(msgspec.json.encode(outcomes) + b"\n")
    elif outcomes and all(result.result != Result.BROKEN for result in outcomes):
        print("Both addresses are unverified claims: anybody can write such headers, unless a trusted proxy forwarded them.")
    return Exit.FAILED if any(result.result == Result.BROKEN for result in outcomes) else Exit.DONE


def _tests(side: Callable[[], Side], url: str, timeout_seconds: float) -> Iterator[tuple[Sent, Outcome]]:
    for real_ip in (REAL_IP, None):
        asked = side()
        since_us = SystemClock().now_us() - _LOOK_BACK_US
        sent = _request(url, real_ip)
        match = _wait(asked, sent, since_us, timeout_seconds)
        result = outcome(sent, match, asked.broken(match))
        yield sent, result
        if result.result == Result.BROKEN:
            return


def _request(url: str, real_ip: str | None) -> Sent:
    nonce = secrets.token_hex(8)
    headers = {"X-Forwarded-For": FORWARDED_FOR, "User-Agent": f"unmasq-test/{nonce}", "Connection": "close"}
    answered = send(url, headers | ({"X-Real-Ip": real_ip} if real_ip else {}))
    return Sent(FORWARDED_FOR, real_ip, nonce, answered.ip, answered.port)


def _wait(side: Side, sent: Sent, since_us: int, timeout_seconds: float) -> Match | None:
    """The flow of the request, once it is there and joined; what there is when the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        match = _look(side.backend, sent, since_us)
        if side.is_settled(match) or time.monotonic() > deadline:
            return match
        time.sleep(_PAUSE_SECONDS)


def _look(backend: Backend, sent: Sent, since_us: int) -> Match | None:
    """Among flows that name what was sent, which are few however busy a cluster is; else a proxy may have taken it away."""
    for wanted in (FlowFilter(claim=(sent.forwarded_for,), since_us=since_us), FlowFilter(since_us=since_us)):
        match = found(backend.flows(wanted, _NEWEST).flows, sent)
        if match:
            return match
    return None


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
