"""A part of a flow batch that is a batch itself."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unmasq.model.flowbatch import FlowBatch
from unmasq.model.groups import distinct
from unmasq.model.ingress import TEXTS


def part_of(batch: FlowBatch, wanted: NDArray[np.bool_]) -> FlowBatch:
    """The wanted flows with all that belongs to them, renumbered, and only the texts that they use.

    Lines, rejects and translations are not parted: they are those of the whole batch.
    """
    chain_wanted = wanted[batch.chains.flow]
    flow_at, chain_at = np.cumsum(wanted) - 1, np.cumsum(chain_wanted) - 1
    chains = batch.chains.take(chain_wanted)
    asked = batch.asked.take(chain_wanted[batch.asked.chain])
    addresses = batch.addresses.take(wanted[batch.addresses.flow])
    flows = batch.flows.take(wanted)
    used = distinct(np.concatenate([flows.pod, chains.headers, *(distinct(getattr(asked, name)) for name in TEXTS)]))
    text_at = np.zeros(len(batch.texts), "i8")
    text_at[used] = np.arange(len(used))
    return replace(
        batch,
        flows=replace(flows, pod=text_at[flows.pod]),
        chains=replace(chains, flow=flow_at[chains.flow], headers=text_at[chains.headers]),
        asked=replace(asked, chain=chain_at[asked.chain], **{name: text_at[getattr(asked, name)] for name in TEXTS}),
        addresses=replace(
            addresses,
            flow=flow_at[addresses.flow],
            chain=np.append(chain_at, -1)[addresses.chain],  # of no chain, -1, stays so
        ),
        texts=[batch.texts[i] for i in used.tolist()],
    )
