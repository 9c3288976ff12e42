"""Datagrams in, connections of our listeners out; whatever is left behind is counted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from unmasq.base.telemetry import Counters
from unmasq.model.columns import Array
from unmasq.model.connection import ConnectionBatch
from unmasq.observe import conntrack, netlink
from unmasq.observe.listeners import Listeners
from unmasq.observe.rows import Row
from unmasq.observe.template import Template, learn

FEW = 16
"""Messages of one kind that are read one by one: so many cost less than a set of columns does."""

_MOST_KINDS = 256
_KIND_BYTES = 8  # length, type and flags


class Intake:
    """Counts `conntrack_malformed`, and `not_a_listener` for what is neither TCP nor UDP or goes elsewhere."""

    def __init__(self, counters: Counters, listeners: Listeners, few: int = FEW) -> None:
        self._counters, self._listeners, self._few = counters, listeners, few
        self._templates: dict[bytes, Template | None] = {}

    def take(self, datagrams: Iterable[bytes], seen_us: int) -> ConnectionBatch:
        """The rows of datagrams that were read at `seen_us`, in order."""
        messages = self._messages(datagrams)
        kinds: defaultdict[bytes, list[int]] = defaultdict(list)
        for number, message in enumerate(messages):
            kinds[message[:_KIND_BYTES] + message[netlink.HEADER_BYTES : netlink.HEADER_BYTES + 1]].append(number)
        parts: list[ConnectionBatch] = []
        order: list[Array] = []
        for kind, numbers in kinds.items():
            for batch, places in self._rows(kind, [messages[number] for number in numbers], np.array(numbers), seen_us):
                parts.append(batch)
                order.append(places)
        rows = ConnectionBatch.concat(parts)
        return rows.take(np.argsort(np.concatenate(order))) if len(parts) > 1 else rows

    def _messages(self, datagrams: Iterable[bytes]) -> list[bytes]:
        found: list[bytes] = []
        malformed = 0
        for datagram in datagrams:
            messages, is_whole = netlink.split(datagram)
            found += messages
            malformed += not is_whole
        self._counters.add("conntrack_malformed", malformed)
        return found

    def _rows(self, kind: bytes, messages: Sequence[bytes], places: Array, seen_us: int) -> list[tuple[ConnectionBatch, Array]]:
        """Rows with the places of their messages: of the layout at once, of any other one by one."""
        template = self._template(kind, messages) if len(messages) > self._few else None
        if template is None:
            return [self._plain(messages, places, seen_us)]
        rows, taken = template.cut(messages, seen_us)
        ours = self._listeners.listened(rows)
        self._counters.add("not_a_listener", int((~ours).sum()))
        left = np.flatnonzero(~taken)
        rest = [self._plain([messages[row] for row in left.tolist()], places[left], seen_us)] if len(left) else []
        return [(rows.take(ours), places[taken][ours]), *rest]

    def _template(self, kind: bytes, messages: Sequence[bytes]) -> Template | None:
        if kind not in self._templates:
            if len(self._templates) >= _MOST_KINDS:
                self._templates.clear()
            self._templates[kind] = learn(messages[0])
        return self._templates[kind]

    def _plain(self, messages: Sequence[bytes], places: Array, seen_us: int) -> tuple[ConnectionBatch, Array]:
        rows: list[Row] = []
        of: list[int] = []
        for message, place in zip(messages, places.tolist(), strict=True):
            parsed = conntrack.parse(message, seen_us, self._listeners)
            rows += parsed.rows
            of += [place] * len(parsed.rows)
            self._counters.add("conntrack_malformed", parsed.malformed)
            self._counters.add("not_a_listener", parsed.foreign)
        return conntrack.batch(rows), np.array(of, "i8")
