"""A large closing in pieces, so that making flows of it takes the memory of one of them. The lines of one flow stay together."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import tuples
from unmasq.join.lines import JoinedLines, named_alone
from unmasq.join.window import Closed
from unmasq.model.groups import distinct, mixed

MOST_FLOWS = 50_000
"""Of the lines of one piece, about: a flow takes several times the memory of a line, and while it is made as much again."""

_SAMPLE = np.uint64(16)


def sliced(closed: Closed, most: int = MOST_FLOWS) -> Iterator[Closed]:
    """The pieces, at least one; what gives no flow is in the first."""
    if len(closed.lines) <= most:
        yield closed
        return
    owner = _owner(closed.lines)
    count = 1 + _flows(owner) // most
    of_line, of_part = owner // _SAMPLE % np.uint64(count), mixed([closed.parts.serial]) // _SAMPLE % np.uint64(count)
    for number in range(count):
        dropped = closed.dropped if number == 0 else JoinedLines.empty()
        lines, parts = closed.lines.take(of_line == number), closed.parts.take(of_part == number)
        yield replace(closed, lines=lines, parts=parts, dropped=dropped)


def _flows(owner: NDArray[np.uint64]) -> int:
    """How many flows the lines give, from a part of them: to count all takes longer than it is worth."""
    return len(distinct(owner[owner % _SAMPLE == 0])) * int(_SAMPLE)


def _owner(lines: JoinedLines) -> NDArray[np.uint64]:
    """A number that all lines of a flow have: of their connection, or, without one, of who they name."""
    named = mixed([*tuples(lines), lines.pod, named_alone(lines)])
    return np.where(lines.connection > 0, mixed([lines.connection]), named)
