"""The port of `unmasq run`: the same site as that of `serve`, if it can be had."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from unmasq.base.clock import SystemClock
from unmasq.base.errors import Unreachable
from unmasq.cli import output as out
from unmasq.cli.port import LISTEN, port_of, say_link
from unmasq.cli.run import RunOptions
from unmasq.keep.control.tokens import Tokens
from unmasq.serve.listening import Listening, tcp
from unmasq.serve.site import Site

NONE = "none"


@dataclass(frozen=True)
class Opened:
    """`say` tells a person where the pages are, or why there are none."""

    say: Callable[[], None]


@contextmanager
def open_port(options: RunOptions, site: Site) -> Iterator[Opened]:
    """Serve the site while the block lasts. Raises UsageError, and Unreachable where the address was asked for and cannot be had."""
    if options.listen == NONE:
        yield Opened(lambda: None)
        return
    port = port_of(options.listen or LISTEN, options, has_token=Tokens(options.store).has_any(SystemClock().now_us()))
    if port.tls:
        port.tls.check()
    try:
        listener = tcp(port.host, port.port)
    except Unreachable as error:
        if options.listen is not None:
            raise
        why = f"no pages: {error.what}, {error.why}; name another address with --listen, or none"
        yield Opened(lambda: out.note(why))
        return
    bound = int(listener.getsockname()[1])
    with Listening(site.app(), listener, port.tls, site.counters):
        yield Opened(lambda: say_link(port, bound, site.sessions))
