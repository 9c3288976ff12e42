"""The work that is measured: `python -m bench.work WHAT ARGUMENT...` does it once and prints what it took, as JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from bench import path_work
from bench.replay import READ_US, chunks
from unmasq.read.formats.lines import LineReader

Told = dict[str, Any]
MARKER = b"tigera_secure_ee_ingress: "


def parse(path: str) -> Told:
    """Lines to columns."""
    reader = LineReader()
    return {"lines": sum(len(reader.read(chunk, READ_US)) for chunk in chunks(path))}


def naive(path: str) -> Told:
    """What a short script does: find the marker, json.loads, ipaddress for every address. It keeps nothing."""
    with Path(path).open("rb") as file:
        return {"lines": sum(1 for line in file if _addresses(line) >= 0)}


def _addresses(line: bytes) -> int:
    try:
        payload = json.loads(line[line.rfind(MARKER) + len(MARKER) :])
        texts = [payload["source_ip"], payload["destination_ip"], *payload["x-forwarded-for"].split(","), payload["x-real-ip"]]
        return len([ip_address(text.strip()) for text in texts if text != "-"])
    except (ValueError, KeyError):
        return 0


WORKS: dict[str, Callable[..., Told]] = {
    "parse": parse,
    "naive": naive,
    "once": path_work.once,
    "joined": path_work.joined,
}


def main(what: str, *arguments: str) -> None:
    """Do it, and print lines, CPU seconds of all threads, peak memory and what else the work tells."""
    began = time.process_time()
    told = WORKS[what](*arguments)
    told["cpu_seconds"] = time.process_time() - began
    told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
