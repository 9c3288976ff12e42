"""The whole chain as its users start it: a proxy's log, a collector, a node that reads nothing else, and a server."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.crash.shipping import UNMASQ, Pair
from tests.story.peers import POD, Collecting

VOLUME = "csi-" + "0123456789abcdef" * 4
"""What Kubernetes calls the volume of a pod."""


class Chain(Pair):
    """A server and a node with one pod's socket; `folder` must be short. `watching`: what the node sees of the kernel."""

    def __init__(self, folder: Path, *node: str, watching: Sequence[str] = ("--no-kernel",), serve: Sequence[str] = ()) -> None:
        prefix = folder / "run"
        super().__init__(folder, *node, serve=serve, reads=("--policy-sync", str(prefix), *watching))
        self.creds, self.socket = prefix / f"creds/{VOLUME}.json", prefix / f"mount/{VOLUME}/socket"
        self.creds.parent.mkdir(parents=True)
        self.creds.write_text(json.dumps(POD))

    def collecting(self, *flags: str, log: Path | None = None) -> Collecting:
        """The collector beside the proxy."""
        return Collecting(log or self.log, self.socket, *flags)

    def flows(self, *words: str) -> list[dict[str, Any]]:
        """What `unmasq flows` says of the store."""
        return flows_of(self.store, *words)


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    """A verb, as somebody types it."""
    return subprocess.run([UNMASQ, *words], capture_output=True, text=True, timeout=120, check=False)


def flows_of(store: Path, *words: str) -> list[dict[str, Any]]:
    """What `unmasq flows` says of a store."""
    answer = asked("flows", *words, "--store", str(store), "-o", "json")
    assert answer.returncode == 0, answer.stderr
    found: list[dict[str, Any]] = json.loads(answer.stdout)["flows"]
    return found
