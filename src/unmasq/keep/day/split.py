"""Batches cut by day, since DuckDB writes one attached file a transaction, and put together again to be written in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from uuid import uuid5

import numpy as np
from numpy.typing import NDArray

from unmasq.base.clock import DAY_US
from unmasq.model.flowbatch import AddressColumns, AskedColumns, ChainColumns, FlowBatch, FlowColumns, LineColumns
from unmasq.model.groups import distinct
from unmasq.model.ingress import TEXTS
from unmasq.model.parting import part_of
from unmasq.model.translation import Translations


def by_day(batch: FlowBatch) -> Iterator[tuple[int, FlowBatch]]:
    """(days since 1970, the part of the batch that belongs there), oldest first; the parts have the id of the batch.

    Translations belong to no day.
    """
    day_of = batch.flows.interval_start_us // DAY_US
    days = distinct(np.concatenate([day_of, batch.lines.day, np.array([r.day for r in batch.rejected], "i8")]))
    if len(batch.translations):
        batch = replace(batch, translations=Translations.empty())
    if len(days) == 1:
        yield int(days[0]), batch
        return
    for day in days.tolist():
        part = part_of(batch, day_of == day)
        yield (
            day,
            replace(
                part,
                lines=batch.lines.take(batch.lines.day == day),
                rejected=[r for r in batch.rejected if r.day == day],
            ),
        )


def halves(batch: FlowBatch) -> list[FlowBatch]:
    """The batch in two, for whom it is too large as a whole; lines and rejects go with the first. Their ids follow from its own."""
    of_first, told_first = _first_half(len(batch.flows)), _first_half(len(batch.translations))
    first = replace(part_of(batch, of_first), translations=batch.translations.take(told_first))
    rest = replace(
        part_of(batch, ~of_first), translations=batch.translations.take(~told_first), lines=LineColumns.empty(), files=[], rejected=[]
    )
    return [replace(part, id=uuid5(batch.id, name)) for part, name in ((first, "first"), (rest, "rest"))]


def _first_half(count: int) -> NDArray[np.bool_]:
    return np.arange(count) < count // 2


def together(parts: Sequence[FlowBatch]) -> list[FlowBatch]:
    """The parts as one batch a node, with the id of its first part: a few large inserts cost a fraction of many small ones."""
    of_node: dict[str, list[FlowBatch]] = {}
    for part in parts:
        of_node.setdefault(part.node, []).append(part)
    return [_joined(each) if len(each) > 1 else each[0] for each in of_node.values()]


def _joined(parts: Sequence[FlowBatch]) -> FlowBatch:
    flows = chains = texts = files = 0
    moved: list[FlowBatch] = []
    for part in parts:
        of_flow = part.addresses.chain < 0
        moved.append(replace(
            part,
            flows=replace(part.flows, pod=part.flows.pod + texts),
            chains=replace(part.chains, flow=part.chains.flow + flows, headers=part.chains.headers + texts),
            asked=replace(part.asked, chain=part.asked.chain + chains, **{name: getattr(part.asked, name) + texts for name in TEXTS}),
            addresses=replace(
                part.addresses, flow=part.addresses.flow + flows, chain=np.where(of_flow, -1, part.addresses.chain + chains)
            ),
            lines=replace(part.lines, file=part.lines.file + np.uint32(files)),
        ))  # fmt: skip
        flows, chains = flows + len(part.flows), chains + len(part.chains)
        texts, files = texts + len(part.texts), files + len(part.files)
    return FlowBatch(
        node=parts[0].node,
        flows=FlowColumns.concat([part.flows for part in moved]),
        chains=ChainColumns.concat([part.chains for part in moved]),
        asked=AskedColumns.concat([part.asked for part in moved]),
        addresses=AddressColumns.concat([part.addresses for part in moved]),
        texts=list(chain.from_iterable(part.texts for part in parts)),
        files=[file for part in parts for file in part.files],
        lines=LineColumns.concat([part.lines for part in moved]),
        rejected=[rejected for part in parts for rejected in part.rejected],
        id=parts[0].id,
        translations=Translations.concat([part.translations for part in parts]),
    )
