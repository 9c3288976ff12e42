"""A large closing in pieces, so that making flows of it takes the memory of one of them. The lines of one flow stay together."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import tuples
from unmasq.join.lines import JoinedLines, named_alone
from unmasq.join.window import Closed
from unmasq.model.groups import mixed

MOST_LINES = 200_000
"""Of one piece, but where a single flow has more."""


def sliced(closed: Closed, most: int = MOST_LINES) -> Iterator[Closed]:
    """The pieces, at least one; what gives no flow is in the first."""
    count = -(-len(closed.lines) // most)
    if count <= 1:
        yield closed
        return
    of_line, of_part = _owner(closed.lines) % np.uint64(count), mixed([closed.parts.serial]) % np.uint64(count)
    for number in range(count):
        dropped = closed.dropped if number == 0 else JoinedLines.empty()
        lines, parts = closed.lines.take(of_line == number), closed.parts.take(of_part == number)
        yield replace(closed, lines=lines, parts=parts, dropped=dropped)


def _owner(lines: JoinedLines) -> NDArray[np.uint64]:
    """A number that all lines of a flow have: of their connection, or, without one, of who they name."""
    named = mixed([*tuples(lines), lines.pod, named_alone(lines)])
    return np.where(lines.connection > 0, mixed([lines.connection]), named)
