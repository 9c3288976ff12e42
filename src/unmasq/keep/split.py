"""A batch, cut by the days of its flows, lines and rejects: DuckDB writes one attached file a transaction."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import DAY_US
from unmasq.model.flowbatch import FlowBatch


def by_day(batch: FlowBatch) -> Iterator[tuple[int, FlowBatch]]:
    """(days since 1970, the part of the batch that belongs there), oldest first."""
    day_of = batch.flows.interval_start_us // DAY_US
    days = np.union1d(np.unique(day_of), np.unique(batch.lines.day))
    days = np.union1d(days, np.array([r.day for r in batch.rejected], "i8"))
    if len(days) == 1:
        yield int(days[0]), batch
        return
    for day in days.tolist():
        part = _part(batch, day_of == day)
        yield (
            day,
            replace(
                part,
                lines=batch.lines.take(batch.lines.day == day),
                rejected=[r for r in batch.rejected if r.day == day],
            ),
        )


def _part(batch: FlowBatch, wanted: NDArray[np.bool_]) -> FlowBatch:
    """The wanted flows with all that belongs to them, renumbered, and only the texts that they use."""
    chain_wanted = wanted[batch.chains.flow]
    flow_at, chain_at = np.cumsum(wanted) - 1, np.cumsum(chain_wanted) - 1
    chains = batch.chains.take(chain_wanted)
    details = batch.details.take(chain_wanted[batch.details.chain])
    addresses = batch.addresses.take(wanted[batch.addresses.flow])
    used, text_at = np.unique(np.concatenate([chains.headers, details.text]), return_inverse=True)
    return replace(
        batch,
        flows=batch.flows.take(wanted),
        chains=replace(chains, flow=flow_at[chains.flow], headers=text_at[: len(chains)]),
        details=replace(details, chain=chain_at[details.chain], text=text_at[len(chains) :]),
        addresses=replace(
            addresses,
            flow=flow_at[addresses.flow],
            chain=np.where(addresses.chain < 0, -1, chain_at[addresses.chain]),
        ),
        texts=[batch.texts[i] for i in used.tolist()],
    )
