"""Questions while flows open, close and are written: each flow is seen once, whoever asks when."""

import threading
import time
from collections.abc import Collection, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from tests.contract.traffic import MadeFlow, batch
from tests.lab.deadline import until
from unmasq.base.clock import SystemClock
from unmasq.keep import picture
from unmasq.keep.duck import DuckStore
from unmasq.keep.live import LiveStore
from unmasq.model.filter import FlowFilter
from unmasq.model.flowbatch import FlowBatch
from unmasq.model.openpart import OpenPart

FLOWS, ASKERS, CLOSES = 6, 3, 5


class Part(NamedTuple):
    serial: int
    batch: FlowBatch


class Node:
    """Takes lines, closes them now and then, and never pictures a part for somebody who knows it."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.made = 0

    def snapshot(self, known: Collection[Hashable]) -> list[OpenPart]:
        return [OpenPart(serial, None if serial in known else made) for serial, made in self.parts]

    def take(self) -> None:
        flows = batch([MadeFlow(connection=self.made * FLOWS + number) for number in range(FLOWS)], first_id=1 + self.made * FLOWS)
        self.made += 1
        self.parts.append(Part(self.made, flows))


@pytest.mark.parametrize("large", [1, 10_000], ids=["tables of their own", "tables together"])
def test_each_flow_is_seen_once(tmp_path, monkeypatch, large):
    monkeypatch.setattr(picture, "LARGE_ROWS", large)
    node, over, wrong = Node(), threading.Event(), list[str]()
    with DuckStore(tmp_path) as store:
        live = LiveStore(store, SystemClock(), node.snapshot, rows=8 * FLOWS, wait_us=0)
        with ThreadPoolExecutor(ASKERS) as threads:
            askers = [threads.submit(ask, live, node, over, wrong) for _ in range(ASKERS)]
            try:
                work(live, node, wrong, seconds=4)
            finally:
                over.set()
        for each in askers:
            each.result()
        assert wrong == []
        until(lambda: live.health().requests == node.made * FLOWS, "a picture of the last moment")


def work(live: LiveStore, node: Node, wrong: list[str], seconds: float) -> None:
    """As `unmasq run` does, for so long, or until something is wrong."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not wrong:
        with live.moment:
            node.take()
            if node.made % CLOSES == 0:
                for part in node.parts:
                    live.append(part.batch)
                node.parts.clear()
        live.picture_due(SystemClock().now_us())
        live.flush_due(SystemClock().now_us())


def ask(live: LiveStore, node: Node, over: threading.Event, wrong: list[str]) -> None:
    """Until it is over, or something is wrong: what was told once is not missing later, and nothing is there twice."""
    before = 0
    while not over.is_set() and not wrong:
        health, ids = live.health(), [flow.unmasq.id for flow in live.flows(FlowFilter(), limit=10_000).flows]
        if len(ids) != len(set(ids)):
            wrong.append(f"{len(ids) - len(set(ids))} flows are seen twice")
        if not before <= health.requests <= node.made * FLOWS:
            wrong.append(f"{health.requests} requests are told, of {before} to {node.made * FLOWS}")
        before = health.requests
