"""At which proxies connections arrive that somebody else translated: what the other nodes have to look out for."""

import numpy as np

from unmasq.keep.duck import DuckStore
from unmasq.model.flowbatch import Flag, FlowColumns, Join
from unmasq.model.groups import grouped
from unmasq.observe.listeners import Listener

MOST = 1000

_ENDS = f"""
SELECT DISTINCT f.dest_hi, f.dest_lo, f.dest_port FROM day.flows f
WHERE f.flow < BELOW AND f.join <> {int(Join.UNWITNESSED)} AND (
  f.flags & {int(Flag.SNAT_ELSEWHERE)} > 0 OR f.join = {int(Join.REMOTE_NAT)}
  OR (f.join = {int(Join.PARTIAL)} AND (f.nat_hi > 0 OR f.nat_lo > 0))
)
"""


class Ends:
    """The own ends of proxies, learned from flows: a bounded number, those that were met last.

    `learn` by one thread at a time; `known` may be read by any.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._last: dict[Listener, None] = {}  # met longest ago first
        self.known: tuple[Listener, ...] = ()

    def learn(self, flows: FlowColumns) -> int:
        """Flows whose source was translated elsewhere, and whose connection a kernel saw: a line alone may name any destination.

        One that does not tell its own end teaches nothing. Returns how many ends were forgotten for the new ones.
        """
        flows = flows.take((flows.dest_port > 0) & (flows.dest_lo > 0) & (flows.join != Join.UNWITNESSED))
        columns = [flows.dest_hi, flows.dest_lo, flows.dest_port]
        order, begin = grouped(columns)
        for end in zip(*(column[order[begin]].tolist() for column in columns), strict=True):
            self._last.pop(Listener(*end), None)
            self._last[Listener(*end)] = None
        over = list(self._last)[: -self._most]
        for end in over:
            del self._last[end]
        if self._last.keys() != set(self.known):
            self.known = tuple(sorted(self._last))
        return len(over)


def ends_of(store: DuckStore, day: int) -> FlowColumns:
    """The flows of a day that teach something, of which only the ends are told. Raises StoreError."""
    with store.at([day]) as view:
        rows = view.cursor.execute(view.union(_ENDS)).fetchnumpy() if view.sources else {}
    return FlowColumns.filled(len(next(iter(rows.values()), np.zeros(0))), **rows)
