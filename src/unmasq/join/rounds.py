"""Events of which several may be of one entry, in rounds that have each entry once: what is known changes from round to round."""

from collections.abc import Iterator

import numpy as np

from unmasq.join.connections import SEEN_AS, tuples
from unmasq.model.connection import ConnectionBatch
from unmasq.model.groups import grouped


def in_rounds(batch: ConnectionBatch) -> Iterator[ConnectionBatch]:
    """The events in rounds: in each one at most one of an entry, the events of one entry in their order."""
    order, begin = grouped([batch.id, *tuples(batch, SEEN_AS)])
    if len(begin) == len(batch):
        yield from [batch] if len(batch) else []
        return
    rounds = np.zeros(len(batch), "i8")
    rounds[order] = np.arange(len(batch)) - np.repeat(begin, np.diff(np.append(begin, len(batch))))
    for number in range(int(rounds.max(initial=-1)) + 1):
        yield batch.take(rounds == number)
