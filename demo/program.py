"""The installed program, called as its user calls it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab.cluster import Lab
from tests.lab.deadline import until

UNMASQ = str(Path(sys.executable).with_name("unmasq"))


class Program:
    """`unmasq run` on the lab's log and its node's kernel, and the other verbs beside it."""

    def __init__(self, lab: Lab, store: Path, node_ranges: Sequence[str]) -> None:
        self._lab, self.store = lab, store
        self._argv = [
            UNMASQ, "run", "--input", str(lab.nginx.log("extended")), "--store", str(store),
            "--namespace", str(lab.network.namespace_path("node")), "--node", "demo-node",
        ]  # fmt: skip
        for text in node_ranges:
            self._argv += ["--node-range", text]

    def __enter__(self) -> Self:
        self._log = (self.store.parent / "run.log").open("wb")
        self._process = subprocess.Popen(self._argv, stderr=self._log, stdout=self._log)
        try:
            until(self._answers, "unmasq run to answer", 15)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError("unmasq run ended: " + (self.store.parent / "run.log").read_text())
        return (self.store / "api.sock").exists()

    def says(self, *arguments: str, host: str | None = None) -> str:
        """What a verb prints, asked on this machine or on a host of the lab."""
        argv = [UNMASQ, *arguments, "--store", str(self.store)]
        if host is not None:
            argv = ["ip", "netns", "exec", self._lab.network.namespace(host), *argv]
        return subprocess.run(argv, check=False, capture_output=True, text=True).stdout

    def flows(self) -> list[dict[str, Any]]:
        """All flows that are known now, stored or still open."""
        flows: list[dict[str, Any]] = json.loads(self.says("flows", "-o", "json", "--limit", "1000"))["flows"]
        return flows
