"""What a collector loads: nothing that its seventy-five megabytes have no room for."""

import json
import os
import signal
import subprocess
import sys

from tests.lab.deadline import until
from tests.repository.checkout import ROOT
from tests.story.peers import Node, line, short_folder, write

# The program itself, and what it has loaded once it was told to end.
PROGRAM = "import json, sys\nfrom unmasq.cli.program import run\nrun(['collect'])\nprint(json.dumps(sorted(sys.modules)))"
FORBIDDEN = ("unmasq.keep", "unmasq.serve", "unmasq.observe", "unmasq.find", "duckdb", "starlette", "uvicorn", "httpx2", "rich", "sqlite3")


def test_no_store_no_web_framework_nothing_for_a_terminal():
    with short_folder() as folder, Node(folder / "run") as node:
        write(folder / "log", line(1))
        environment = {**os.environ, "INGRESS_LOG_PATH": str(folder / "log"), "FELIX_DIAL_TARGET": str(node.socket)}
        process = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            until(node.lines, "a line, so that everything is loaded", 20)
            process.send_signal(signal.SIGTERM)
            loaded = json.loads(process.communicate(timeout=20)[0])
        finally:
            process.kill()
    assert "grpc" in loaded
    assert [name for name in loaded if name.partition(".")[0] in FORBIDDEN or ".".join(name.split(".")[:2]) in FORBIDDEN] == []
