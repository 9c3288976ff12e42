"""How long the two sides wait for each other, and how much may wait."""

from dataclasses import dataclass

from unmasq.base.clock import MICROSECONDS


@dataclass(frozen=True)
class WindowSettings:
    """Times in microseconds, bounds in rows."""

    interval_us: int = 60 * MICROSECONDS
    """Length of a flow's interval; intervals are aligned to it."""
    linger_us: int = 10 * MICROSECONDS
    """A joined flow closes this long after its interval, so that late counters and lines still belong to it."""
    wait_us: int = 120 * MICROSECONDS
    """How long a line waits for its connection, and a connection for its first line."""
    most_lines: int = 250_000
    """Lines held at once, waiting or in open flows; beyond it the oldest are closed early."""
    most_open: int = 90_000
    """Connections with lines in open flows, 70 s of 1,300 a second; beyond it the oldest lines are closed early, of those that ended alone
    unless most go on: a flow takes several times the memory of a line."""
    early_lines: int = 60_000
    """Lines that leave where there are too many connections: enough to be written at once, and as many as are pictured together, so
    that pictures of others mostly stay."""
    pictured_lines: int = 30_000
    """Lines of open flows that are pictured once for all questions; fewer are pictured again for each."""
    most_connections: int = 350_000
    """Connections held at once, more than conntrack holds by default: 70 s of 5,000 a second. From three quarters of it on
    those that ended and had their lines leave early; beyond it new ones are dropped. Both are counted."""
