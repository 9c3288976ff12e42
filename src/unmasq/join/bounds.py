"""A bound on what one flow keeps: its distinct chains."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.join.aggregate import Aggregated, reduced, summed_known
from unmasq.join.keys import grouped, numbered
from unmasq.model.flowbatch import ChainColumns, Flag


def bounded(aggregated: Aggregated, most_chains: int) -> tuple[Aggregated, NDArray[np.int64]]:
    """At most `most_chains` chains a flow; the rest are summed in one chain with the flags `others` and no headers.

    Returns the new form and, for each old chain, its new row.
    """
    chains = aggregated.chains
    order = np.lexsort((-chains.requests, chains.flow))
    rank = np.zeros(len(chains), "i8")
    starts = np.flatnonzero(np.diff(chains.flow[order], prepend=-1))
    rank[order] = np.arange(len(chains)) - np.repeat(starts, np.diff(np.append(starts, len(chains))))
    over = rank >= most_chains
    if not over.any():
        return aggregated, np.arange(len(chains))
    extra_order, extra_begin = grouped([chains.flow[over]])
    rest = chains.take(over)
    summed = ChainColumns.filled(
        len(extra_begin), flow=rest.flow[extra_order[extra_begin]], flags=int(Flag.OTHERS), requests=reduced(np.add, rest.requests, extra_order, extra_begin),
        bytes_in=summed_known(rest.bytes_in, extra_order, extra_begin), bytes_out=summed_known(rest.bytes_out, extra_order, extra_begin),
        first_us=reduced(np.minimum, rest.first_us, extra_order, extra_begin), last_us=reduced(np.maximum, rest.last_us, extra_order, extra_begin),
    )  # fmt: skip
    moved = np.zeros(len(chains), "i8")
    moved[~over] = np.arange(int((~over).sum()))
    moved[over] = int((~over).sum()) + numbered(extra_order, extra_begin)
    details = aggregated.details
    details = replace(details, chain=moved[details.chain])
    return replace(aggregated, chains=ChainColumns.concat([chains.take(~over), summed]), details=details), moved
