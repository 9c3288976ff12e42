"""Which files reading began in, as a batch without flows."""

from collections.abc import Mapping

import numpy as np

from unmasq.base.clock import DAY_US
from unmasq.model.flowbatch import AddressColumns, AskedColumns, ChainColumns, FlowBatch, FlowColumns, LineColumns
from unmasq.model.ingress import FileIdentity


def begun_batch(node: str, begun: Mapping[FileIdentity, int], now_us: int) -> FlowBatch:
    """The bytes before each offset are covered: they are not ours to read."""
    count = len(begun)
    lines = LineColumns.filled(count, file=np.arange(count), end=np.array(list(begun.values())), day=now_us // DAY_US)
    empty = FlowColumns.empty(), ChainColumns.empty(), AskedColumns.empty(), AddressColumns.empty()
    return FlowBatch(node, *empty, texts=[], files=list(begun), lines=lines, rejected=[])
