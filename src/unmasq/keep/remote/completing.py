"""Flows completed by another node's records: clients, flags and index rows as if the join had given the NAT source itself."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unmasq.join.remote import Matched, completed
from unmasq.model.address import Range
from unmasq.model.flowbatch import FlowBatch, FlowColumns
from unmasq.model.translation import Translations
from unmasq.unwind.again import marked, rejudged
from unmasq.unwind.trust import TrustList


def complete(batch: FlowBatch, records: Translations, found: Matched, node_ranges: Sequence[Range], trust: TrustList) -> FlowBatch:
    """The batch, in which the flows with a record are judged again; the others are as they came."""
    flows = completed_flows(batch.flows, records, found, node_ranges)
    which = np.zeros(len(flows), "?")
    which[found.flows] = True
    return rejudged(replace(batch, flows=flows), which, trust)


def completed_flows(flows: FlowColumns, records: Translations, found: Matched, node_ranges: Sequence[Range]) -> FlowColumns:
    """The flows with their records; a NAT source that is a node's own address was translated once more, elsewhere."""
    done = completed(flows, records, found)
    again = marked(done, node_ranges, opened_here=np.zeros(len(flows), "?"))
    flags = flows.flags.copy()
    flags[found.flows] = again.flags[found.flows]
    return replace(done, flags=flags)
