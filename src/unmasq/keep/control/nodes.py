"""What a server knows of its nodes: the addresses of their interfaces, which are no client's."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from unmasq.base.clock import DAY_US, MICROSECONDS, Clock
from unmasq.base.errors import StoreError
from unmasq.base.safe import shortened, terminal
from unmasq.base.telemetry import Counters
from unmasq.keep.control.state import Control, NodeAddress
from unmasq.model.address import Range, is_confined, parse, single, to_text
from unmasq.model.health import NodeStatus
from unmasq.model.nodesettings import MOST_ADDRESSES, NodeSaid

SILENT_US = 7 * DAY_US
"""A node that said nothing for so long is forgotten. Its address may go to somebody else then; before, it may still have spooled."""
ALIVE_US = 120 * MICROSECONDS
"""A node that said something in this time is there: it asks every 15 s."""
SAVED_US = 3600 * MICROSECONDS
"""How often it is noted who is there, where nothing else changed."""
MOST_NODES = 5000
MOST_RANGES = 10_000

_MOST_TOLD = 10  # of its addresses
_LOOK_US = 10 * MICROSECONDS

Pair = tuple[int, int]


class _Node(NamedTuple):
    addresses: tuple[Pair, ...]
    heard_us: int
    status: NodeStatus | None = None


class Nodes:
    """Any thread may call. An address that several nodes have at once tells none of them apart, so that it is none's.

    Such are those of bridges for containers, which are the same everywhere, while others may have clients on them. What a node
    masquerades comes from an address that is its own, or no answer would find it. Counts `nodes_heard`, `nodes_forgotten`, and
    `node_addresses_refused` (`invalid`, `confined` to a machine or link, `many` of one node, `nodes` that are too many).
    """

    def __init__(self, control: Control, clock: Clock, counters: Counters, tell: Callable[[str], None] = lambda _: None) -> None:
        """Remembers what an earlier process heard; while there was none, nobody was silent. `tell` is told of nodes that are new."""
        self._control, self._clock, self._counters, self._tell = control, clock, counters, tell
        self._lock = threading.Lock()
        self._nodes: dict[str, _Node] = {}
        self._saved_us = self._looked_us = clock.now_us()
        self._recall()
        self._ranges, self.shared = self._looked(self._saved_us)

    def __len__(self) -> int:
        return len(self._nodes)

    def hear(self, said: NodeSaid) -> None:
        """A node is there, and these are its addresses now."""
        with self._lock:
            now_us = self._clock.now_us()
            if said.node not in self._nodes and len(self._nodes) >= MOST_NODES:
                self._counters.add("node_addresses_refused", len(said.addresses), "nodes")
                return
            before = self._nodes.get(said.node)
            addresses = tuple(sorted(set(self._accepted(said.addresses))))
            self._nodes[said.node] = _Node(addresses, now_us, said.status)
            self._counters.add("nodes_heard")
            if before is None:
                self._tell(_of_new(said.node, addresses))
            is_news = before is None or before.addresses != addresses
            if self._forget(now_us) or is_news or not 0 <= now_us - self._saved_us < SAVED_US:
                self._save(now_us)

    def ranges(self) -> Sequence[Range]:
        """The addresses that are one node's; as long as nothing changes, the same object."""
        with self._lock:
            now_us = self._clock.now_us()
            if not 0 <= now_us - self._looked_us < _LOOK_US:
                self._look(now_us)
            return self._ranges

    def heard(self) -> dict[str, tuple[int, NodeStatus | None]]:
        """When each node said something last (microseconds UTC), and how it was doing then, as far as it said so since we began."""
        with self._lock:
            return {name: (node.heard_us, node.status) for name, node in self._nodes.items()}

    def _accepted(self, texts: Sequence[str]) -> Iterator[Pair]:
        self._counters.add("node_addresses_refused", max(0, len(texts) - MOST_ADDRESSES), "many")
        for text in texts[:MOST_ADDRESSES]:
            pair = parse(text)
            if pair is None or is_confined(*pair):
                self._counters.add("node_addresses_refused", reason="confined" if pair else "invalid")
            else:
                yield pair

    def _forget(self, now_us: int) -> bool:
        silent = [name for name, node in self._nodes.items() if now_us - node.heard_us > SILENT_US]
        for name in silent:
            del self._nodes[name]
        self._counters.add("nodes_forgotten", len(silent))
        return bool(silent)

    def _look(self, now_us: int) -> None:
        self._looked_us = now_us
        ranges, self.shared = self._looked(now_us)
        self._ranges = self._ranges if ranges == self._ranges else ranges

    def _looked(self, now_us: int) -> tuple[tuple[Range, ...], int]:
        """The addresses that are one node's, those heard last first where they are too many, and how many are several nodes'."""
        holders: Counter[Pair] = Counter()
        newest: dict[Pair, None] = {}
        for node in sorted(self._nodes.values(), key=lambda node: -node.heard_us):
            newest |= dict.fromkeys(node.addresses)
            holders.update(node.addresses if now_us - node.heard_us <= ALIVE_US else ())
        ones = [pair for pair in newest if holders[pair] <= 1]
        return tuple(single(*pair) for pair in sorted(ones[:MOST_RANGES])), len(newest) - len(ones)

    def _save(self, now_us: int) -> None:
        """Keep them over a restart. Where that fails now nodes hear of one another all the same, and it is tried again."""
        self._look(now_us)
        try:
            self._control.set_node_addresses(
                NodeAddress(name, to_text(*pair), node.heard_us) for name, node in self._nodes.items() for pair in node.addresses
            )
            self._saved_us = now_us
        except StoreError:
            self._counters.add("store_failed")
            self._saved_us = now_us - SAVED_US

    def _recall(self) -> None:
        rows = self._control.node_addresses()
        newest_us = max((row.heard_us for row in rows), default=0)
        for row in rows:
            pair, before = parse(row.address), self._nodes.get(row.node, _Node((), 0))
            if pair is not None:
                self._nodes[row.node] = _Node((*before.addresses, pair), row.heard_us + self._saved_us - newest_us)


def _of_new(node: str, addresses: Sequence[Pair]) -> str:
    """So that a person sees a node that is none: whoever has a token takes any name, and says of any address that it is a node's."""
    named = ", ".join(to_text(*pair) for pair in addresses[:_MOST_TOLD]) or "none"
    more = f" and {len(addresses) - _MOST_TOLD} more" if len(addresses) > _MOST_TOLD else ""
    return f"a new node: {shortened(terminal(node), 80)}, with the addresses {named}{more}"
