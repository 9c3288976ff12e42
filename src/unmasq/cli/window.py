"""The flags that say when: shared by every verb that asks about stored flows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter, Token

from unmasq.base.clock import SystemClock
from unmasq.base.errors import UsageError
from unmasq.base.moments import ago, parse
from unmasq.model.filter import FlowFilter


def moment(_type: Any, tokens: Sequence[Token]) -> int:
    """A time on the command line, as microseconds UTC."""
    return parse(tokens[0].value, SystemClock().now_us())


def past(_type: Any, tokens: Sequence[Token]) -> int:
    """The moment that lies so long ago."""
    return ago(tokens[0].value, SystemClock().now_us())


@dataclass(frozen=True, kw_only=True)
class Window:
    """From when to when; everything that is kept where nothing is said."""

    since_us: Annotated[int | None, Parameter(name="--since", converter=moment, metavar="TIME")] = None
    """At or after this time: 2026-11-24T08:00:00Z, 2026-11-24, or 10m, 2h, 2d ago."""
    until_us: Annotated[int | None, Parameter(name="--until", converter=moment, metavar="TIME")] = None
    """Before this time."""
    last_us: Annotated[int | None, Parameter(name="--last", converter=past, metavar="LENGTH")] = None
    """The last 30s, 10m, 2h, 2d or 1w."""

    def filter(self) -> FlowFilter:
        """The filter that it means. Raises UsageError where two beginnings are named."""
        return FlowFilter(since_us=beginning(self.since_us, self.last_us), until_us=self.until_us)


def beginning(since_us: int | None, last_us: int | None) -> int | None:
    """The one beginning of a window. Raises UsageError where two are named."""
    if since_us is not None and last_us is not None:
        raise UsageError("--since and --last both say when to begin", "a window has one beginning", "use one of them")
    return last_us if since_us is None else since_us


ALWAYS = Window()
