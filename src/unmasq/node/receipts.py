"""Telling collectors what is safe: a line is, once the batch that contains it is on disk."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from unmasq.model.flowbatch import FlowBatch

if TYPE_CHECKING:
    from unmasq.observe.policy_sync.server import PolicySync

Put = Callable[[FlowBatch], None]


class Receipts:
    """For the collectors of a node, or for nobody where it has none."""

    def __init__(self, sync: "PolicySync | None") -> None:
        self._sync = sync

    def give(self, batch: FlowBatch) -> None:
        """A batch is on disk: those who sent its lines are told, and need not keep them."""
        if self._sync is not None:
            self._sync.acknowledge(batch.covered())

    def after(self, put: Put) -> Put:
        """As `put`, which returns when a batch is on disk; and a receipt for it."""

        def both(batch: FlowBatch) -> None:
            put(batch)
            self.give(batch)

        return both
