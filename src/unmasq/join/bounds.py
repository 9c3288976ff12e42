"""A bound on what one flow keeps: its distinct chains."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.join.aggregate import Aggregated
from unmasq.join.keys import numbered, reduced, summed_known
from unmasq.model.columns import Array
from unmasq.model.flowbatch import ChainColumns, Flag
from unmasq.model.groups import grouped


def bounded(aggregated: Aggregated, most_chains: int) -> tuple[Aggregated, NDArray[np.int64]]:
    """At most `most_chains` chains a flow; the rest are summed in one chain with the flag `others` and no headers.

    Returns the new form and, for each old chain, its new row.
    """
    chains = aggregated.chains
    if np.bincount(chains.flow).max(initial=0) <= most_chains:
        return aggregated, np.arange(len(chains))
    over = _ranks(chains) >= most_chains
    summed, member = _summed(chains.take(over))
    kept = int((~over).sum())
    moved = np.zeros(len(chains), "i8")
    moved[~over] = np.arange(kept)
    moved[over] = kept + member
    asked = replace(aggregated.asked, chain=moved[aggregated.asked.chain])
    return replace(aggregated, chains=ChainColumns.concat([chains.take(~over), summed]), asked=asked), moved


def _ranks(chains: ChainColumns) -> Array:
    """The place of each chain in its flow, by requests, from 0."""
    order = np.lexsort((-chains.requests, chains.flow))
    starts = np.flatnonzero(np.diff(chains.flow[order], prepend=-1))
    ranks = np.zeros(len(chains), "i8")
    ranks[order] = np.arange(len(chains)) - np.repeat(starts, np.diff(np.append(starts, len(chains))))
    return ranks


def _summed(rest: ChainColumns) -> tuple[ChainColumns, NDArray[np.int64]]:
    """One chain a flow, and for each of the rest the row of its sum."""
    order, begin = grouped([rest.flow])
    summed = ChainColumns.filled(
        len(begin),
        flow=rest.flow[order[begin]],
        flags=int(Flag.OTHERS),
        requests=reduced(np.add, rest.requests, order, begin),
        bytes_in=summed_known(rest.bytes_in, order, begin),
        bytes_out=summed_known(rest.bytes_out, order, begin),
        first_us=reduced(np.minimum, rest.first_us, order, begin),
        last_us=reduced(np.maximum, rest.last_us, order, begin),
    )
    return summed, numbered(order, begin)
