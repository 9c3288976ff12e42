"""Which connections fit lines by time, and which of several that a line may have come on is the one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unmasq.join.connections import Connections, tuples
from unmasq.join.lines import JoinedLines, is_exact
from unmasq.join.pairing import SLACK_US
from unmasq.model.columns import Array

AMBIGUOUS = -1
"""Instead of a serial: connections to several listeners may fit, and the line does not say which of them it was."""

_END = ("dest_hi", "dest_lo", "dest_port")
_WORST = -(1 << 62)


def fits(lines: JoinedLines, earliest_us: Array, start_us: Array, end_us: Array) -> NDArray[np.bool_]:
    """Whether each line can have come on its connection: by that one's start if the line tells it, else by the time of the line."""
    is_over = is_exact(lines.time_source) & (end_us > 0) & (lines.time_us > end_us + SLACK_US)
    by_time = (earliest_us <= lines.time_us + SLACK_US) & ~is_over
    by_start = (earliest_us - SLACK_US <= lines.opened_us) & (lines.opened_us <= start_us + SLACK_US)
    found: NDArray[np.bool_] = np.where(lines.opened_us > 0, by_start, by_time)
    return found


def best(
    lines: JoinedLines, candidates: Sequence[tuple[int, ...]], of_line: NDArray[np.int64], known: Connections, crowd: int
) -> NDArray[np.int64]:
    """The serial of the connection that fits each line best, 0: none, or AMBIGUOUS; `of_line`: the place of its candidates.

    So many candidates are a `crowd`, from which one may be missing: AMBIGUOUS too.
    The nearest start is the best if the line tells one, else the newest connection; of two alike the one that stands first.
    """
    found, rank, ambiguous = np.zeros(len(lines), "i8"), np.full(len(lines), _WORST), np.zeros(len(lines), "?")
    for of_each in _in_turns(candidates):
        rows = np.flatnonzero(of_each[of_line])
        serials = of_each[of_line[rows]]
        mine, at = lines.take(rows), known.rows_of(serials)
        fitting = fits(mine, known.earliest_us[at], known.start_us[at], known.end_us[at])
        rows, serials, at = rows[fitting], serials[fitting], at[fitting]
        ambiguous[rows] |= _are_elsewhere(known, at, found[rows])
        ranks = _ranks(lines.take(rows), known.earliest_us[at], known.start_us[at])
        better = ranks > rank[rows]
        found[rows[better]], rank[rows[better]] = serials[better], ranks[better]
    is_crowded = np.array([len(some) >= crowd for some in candidates], "?")
    found[ambiguous | is_crowded[of_line]] = AMBIGUOUS
    return found


def _in_turns(candidates: Sequence[tuple[int, ...]]) -> NDArray[np.int64]:
    """The first candidate of each, the second one, and so on; 0 where there are no more."""
    turns = np.zeros((max(map(len, candidates), default=0), len(candidates)), "i8")
    for place, some in enumerate(candidates):
        turns[: len(some), place] = some
    return turns


def _are_elsewhere(known: Connections, at: NDArray[np.int64], serials: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each connection was accepted by another listener than the one with this serial; not so, where there is none."""
    others = known.rows_of(np.where(serials > 0, serials, known.serial[at]))
    ends = tuples(known, _END)
    differs: NDArray[np.bool_] = np.any([end[at] != end[others] for end in ends], axis=0)
    return differs


def _ranks(lines: JoinedLines, earliest_us: Array, start_us: Array) -> NDArray[np.int64]:
    distance_us = np.maximum(0, np.maximum(earliest_us - lines.opened_us, lines.opened_us - start_us))
    ranks: NDArray[np.int64] = np.where(lines.opened_us > 0, -distance_us, start_us)
    return ranks
