"""The work that is measured: `python -m bench.work WHAT ARGUMENT...` does it once and prints what it took, as JSON."""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from bench import path_work, reader_work, ship_work
from bench.path_work import Tell
from bench.replay import READ_US, chunks
from unmasq.base.heap import tune_for_large_batches
from unmasq.base.telemetry import Counters
from unmasq.model.native import NATIVE, Native
from unmasq.read.cri import Unframer
from unmasq.read.formats.lines import LineReader

MARKER = b"tigera_secure_ee_ingress: "


def parse(path: str, native: Native | None = NATIVE) -> Tell:
    """Lines to columns."""
    reader = LineReader(native)
    lines = sum(len(reader.read(chunk, READ_US)) for chunk in chunks(path))
    return lambda: {"lines": lines}


def unframed(path: str) -> Tell:
    """Lines in CRI frames to columns."""
    reader, unframer = LineReader(), Unframer(Counters())
    lines = sum(len(reader.read(whole, READ_US)) for chunk in chunks(path) for whole in unframer.take(chunk))
    return lambda: {"lines": lines}


def naive(path: str) -> Tell:
    """What a short script does: find the marker, json.loads, ipaddress for every address. It keeps nothing."""
    with Path(path).open("rb") as file:
        lines = sum(1 for line in file if _addresses(line) >= 0)
    return lambda: {"lines": lines}


def _addresses(line: bytes) -> int:
    try:
        payload = json.loads(line[line.rfind(MARKER) + len(MARKER) :])
        texts = [payload["source_ip"], payload["destination_ip"], *payload["x-forwarded-for"].split(","), payload["x-real-ip"]]
        return len([ip_address(text.strip()) for text in texts if text != "-"])
    except (ValueError, KeyError):
        return 0


WORKS: dict[str, Callable[..., Tell]] = {
    "parse": parse,
    "parse in Python": partial(parse, native=None),
    "parse in frames": unframed,
    "naive": naive,
    "once": path_work.once,
    "joined": path_work.joined,
    "reader": reader_work.read,
    "bare": ship_work.bare,
    "shipped": ship_work.shipped,
    "spooled": ship_work.spooled,
    "replayed": ship_work.replayed,
}


def main(what: str, *arguments: str) -> None:
    """Do it, and print lines, CPU seconds of all threads without loading, peak memory and what else the work tells."""
    tune_for_large_batches()
    began = time.process_time()
    tell = WORKS[what](*arguments)
    took, peak_mb = time.process_time() - began, _peak_mb()
    told = tell()
    print(json.dumps(told | {"cpu_seconds": took - told.pop("loading_seconds", 0), "peak_mb": peak_mb}))


def _peak_mb() -> float:
    """Of this process: `getrusage` would tell that of the one that started it, where that was larger."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
