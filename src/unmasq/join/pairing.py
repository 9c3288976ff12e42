"""Two witnesses of one connection: conntrack's entry and the proxy's own socket are brought together.

They have the tuple in common and the time in which they were there. Conntrack wins for what only it knows, the
translation and the start; the socket gives the exact end. Counts are those of whoever saw the connection first, never of
both: one counts the bytes of the IP layer, the other those of the application.
"""

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import MICROSECONDS
from unmasq.join.alike import Alike
from unmasq.join.connections import ORIGINAL, SEEN_AS, SENT_AS, Connections, tuples
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch, Witnessed
from unmasq.model.index import keyed, packed

SLACK_US = MICROSECONDS  # a line's time may be cut to the second, and two clocks of one machine differ a little
_EVER_US = 1 << 62


def bit(witness: Array) -> Array:
    """The mark of a witness in `Connections.witnesses`."""
    return np.left_shift(1, witness).astype("u1")


def begin_us(events: ConnectionBatch) -> Array:
    """The earliest time at which each connection can have begun."""
    return np.where(events.start_us > 0, events.start_us, events.after_us)


def partners(events: ConnectionBatch, known: Connections, alike: Alike) -> NDArray[np.int64]:
    """For events of entries that are not known yet: the connection that only the other witness has seen so far, 0: none.

    Where a port was used again, the older of them first; no connection is given to two.
    """
    keys = keyed(tuples(events, SEEN_AS))
    serials, several = alike.newest(keys)
    found = np.zeros(len(events), "i8")
    single = np.flatnonzero((serials > 0) & ~several)
    fits = _fit(events.take(single), known, serials[single])
    first = np.unique(serials[single[fits]], return_index=True)[1]
    found[single[fits][first]] = serials[single[fits][first]]
    taken: set[int] = set()
    for row, key in zip(np.flatnonzero(several).tolist(), packed(keys[several]), strict=True):
        candidates = np.array([each for each in alike.candidates(key) if each not in taken], "i8")
        found[row] = _oldest(events.take(np.full(len(candidates), row)), known, candidates)
        taken.add(int(found[row]))
    return found


def adopt(known: Connections, rows: NDArray[np.int64], events: ConnectionBatch) -> None:
    """Let connections have what a second witness tells of them."""
    known.witnesses[rows] |= bit(events.witness)
    of_socket = events.witness == Witnessed.SOCKET
    known.socket_id[rows[of_socket]] = events.id[of_socket]
    rows, events = rows[~of_socket], events.take(~of_socket)
    known.id[rows] = events.id
    for name, told in zip(ORIGINAL[1:], SENT_AS[1:], strict=True):
        getattr(known, name)[rows] = getattr(events, told)
    told_start = events.start_us > 0
    known.start_us[rows[told_start]] = known.earliest_us[rows[told_start]] = events.start_us[told_start]


def _oldest(events: ConnectionBatch, known: Connections, candidates: NDArray[np.int64]) -> int:
    """The first candidate that fits its event; 0: none."""
    fits = _fit(events, known, candidates)
    return int(candidates[np.argmax(fits)]) if fits.any() else 0


def _fit(events: ConnectionBatch, known: Connections, serials: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each connection was never seen by this witness, and was there at some time while its entry was."""
    rows = known.rows_of(serials)
    end_us = np.where(events.stop_us > 0, events.stop_us, _EVER_US)
    known_end_us = np.where(known.end_us[rows] > 0, known.end_us[rows], _EVER_US)
    overlap = (known.earliest_us[rows] <= end_us + SLACK_US) & (begin_us(events) <= known_end_us + SLACK_US)
    is_new: NDArray[np.bool_] = (known.witnesses[rows] & bit(events.witness)) == 0
    return is_new & overlap
