"""Events of which several may be of one entry, in rounds that have each entry once: what is known changes from round to round."""

from collections.abc import Iterator

import numpy as np

from unmasq.join.connections import SEEN_AS, tuples
from unmasq.join.keys import numbered
from unmasq.model.connection import ConnectionBatch
from unmasq.model.groups import grouped


def in_rounds(batch: ConnectionBatch) -> Iterator[ConnectionBatch]:
    """The events in rounds: in each one at most one of an entry, the events of one entry in their order."""
    entry = numbered(*grouped([batch.id, *tuples(batch, SEEN_AS)]))
    order = np.argsort(entry, kind="stable")
    first = np.flatnonzero(np.diff(entry[order], prepend=-1))
    rounds = np.zeros(len(batch), "i8")
    rounds[order] = np.arange(len(batch)) - np.repeat(first, np.diff(np.append(first, len(batch))))
    for number in range(int(rounds.max(initial=-1)) + 1):
        yield batch.take(rounds == number)
