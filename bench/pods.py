"""What it costs to look around on a node with many pods, ten times a second, while nothing happens."""

import time
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, limit
from bench.logs import Logs
from unmasq.base.clock import MICROSECONDS
from unmasq.base.telemetry import Counters
from unmasq.read.podnames import Choice
from unmasq.read.pods import Pods

PODS = 500
ROUNDS_A_SECOND = 10
_SECONDS = 10
_FRAME = b"2026-11-25T08:00:00Z stdout F x\n"


def figures(logs: Logs) -> Iterator[Figure]:
    """One pod chosen, and all of them."""
    root = logs.folder / "pods"
    for number in range(PODS):
        folder = root / f"shop_web-{number}_0b9f" / "main"
        folder.mkdir(parents=True)
        (folder / "0.log").write_bytes(_FRAME)
    yield limit(f"{PODS} pods on the node, one chosen", _idle_ms(root, "shop/web-1"), 10, "ms CPU a second")
    yield limit(f"{PODS} pods on the node, all chosen", _idle_ms(root, "shop/*"), 200, "ms CPU a second")


def _idle_ms(root: Path, choice: str) -> float:
    """CPU milliseconds a second, once everything was seen and folders have settled."""
    pods = Pods(str(root), [Choice.parse(choice)], Counters(), {}, from_start=True)
    now_us = 1_795_300_000 * MICROSECONDS
    try:
        for tick in range((_SECONDS + 5) * ROUNDS_A_SECOND):
            if tick == 5 * ROUNDS_A_SECOND:
                began = time.process_time()
            for _ in pods.poll(now_us + tick * MICROSECONDS // ROUNDS_A_SECOND):
                pass
        return (time.process_time() - began) * 1000 / _SECONDS
    finally:
        pods.close()
