"""Flows that wait for another node's record of their connection.

A flow whose source is a node's own address was translated there. Its record comes on another way, so it may be later than
the flow. Time is an argument of every method.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.join.records import Records
from unmasq.join.remote import Matched, matched
from unmasq.model.flowbatch import Flag, FlowBatch
from unmasq.model.parting import part_of
from unmasq.model.translation import Translations


@dataclass(frozen=True)
class HoldSettings:
    """Times in microseconds, bounds in flows."""

    settle_us: int = 10 * MICROSECONDS
    """A flow with a record waits this long for one that fits better: nodes do not ship at the same moment."""
    wait_us: int = 120 * MICROSECONDS
    """How long a flow waits for any record."""
    most_flows: int = 200_000
    """Flows held at once; beyond it the oldest go as they are."""


class Released(NamedTuple):
    """Flows that wait no more, and which of them have a record (rows of `batch.flows` and of `records`)."""

    batch: FlowBatch
    found: Matched
    records: Translations


class _Part(NamedTuple):
    batch: FlowBatch
    since_us: int


class HeldFlows:
    """The waiting room. Counts `remote_held`, `remote_completed` and `remote_gave_up` (`late`, or `full`), in flows."""

    def __init__(self, counters: Counters, records: Records, settings: HoldSettings = HoldSettings()) -> None:
        self._counters, self._records, self._settings = counters, records, settings
        self._parts: list[_Part] = []

    def __len__(self) -> int:
        return sum(len(part.batch) for part in self._parts)

    def take(self, batch: FlowBatch, now_us: int) -> FlowBatch:
        """Hold the flows that wait for a record; returns the others, with all lines and rejects of the batch.

        Whoever acknowledges the lines answers for what is held.
        """
        waits = (batch.flows.flags & Flag.SNAT_ELSEWHERE) > 0
        if not waits.any():
            return batch
        held = part_of(batch, waits)
        self._parts.append(_Part(_without_lines(held), now_us))
        self._counters.add("remote_held", len(held))
        return part_of(batch, ~waits)

    def hear(self, records: Translations, now_us: int) -> Translations:
        """Take another node's records; returns those that come so late that flows may have gone without them."""
        new = self._records.add(records)
        return new.take(new.start_us < now_us - self._settings.wait_us)

    def release(self, now_us: int, *, everything: bool = False) -> list[Released]:
        """The flows that have their record, and those that waited long enough, in the order in which they came."""
        parts, self._parts, records = self._parts, [], self._records.rows
        crowd, released = sum(len(part.batch) for part in parts) - self._settings.most_flows, []
        for part in parts:
            is_crowded = crowd > 0
            crowd -= len(part.batch)
            one = self._released(part, records, now_us, at_once=everything or is_crowded, reason="full" if is_crowded else "late")
            released += [one] if one else []
        self._records.forget(now_us)
        return released

    def _released(self, part: _Part, records: Translations, now_us: int, *, at_once: bool, reason: str) -> Released | None:
        """What is ready of a part; the rest goes on waiting. A clock that was set back makes nobody wait longer."""
        waited_us = now_us - part.since_us
        is_ready = np.zeros(len(part.batch), "?")
        if waited_us >= self._settings.settle_us or waited_us < 0:
            is_ready[matched(part.batch.flows, records).flows] = True
        is_ready |= at_once or waited_us >= self._settings.wait_us or waited_us < 0
        if not is_ready.all():
            self._parts.append(part._replace(batch=part_of(part.batch, ~is_ready)))
        if not is_ready.any():
            return None
        batch = part_of(part.batch, is_ready)
        found = matched(batch.flows, records)
        self._counters.add("remote_completed", len(found.flows))
        self._counters.add("remote_gave_up", len(batch) - len(found.flows), reason)
        return Released(batch, found, records)


def _without_lines(batch: FlowBatch) -> FlowBatch:
    return replace(batch, lines=batch.lines.take(np.zeros(0, "i8")), rejected=[])
