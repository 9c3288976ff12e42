"""Everything that the description of the API allows, and much that it does not, asked of a real `unmasq serve` by schemathesis."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.child import ROOT
from bench.figure import Figure
from bench.logs import Logs
from bench.serving import serving
from tests.contract import shop
from unmasq.base.clock import SystemClock
from unmasq.keep.control.tokens import Tokens

_PROGRAM = ROOT / ".venv-api" / "bin" / "schemathesis"
_SEED = 1
_SECONDS = 100
_WHAT_A_SCHEMA_CANNOT_SAY = "positive_data_acceptance"
"""A field=value that is left out, a width that suits the window: what is none is answered with 422, as the description says."""


def figures(logs: Logs) -> Iterator[Figure]:
    """How many requests, how many were answered, and how many answers were a mistake of the server or not as described."""
    folder = shop.make_store(logs.folder / "api")
    token = Tokens(folder).add("bench", "admin", SystemClock().now_us())
    with serving(folder) as url:
        told = _asked(url, token, logs.folder)
    cases, rates = told["test_cases"], [phase for each in told["valid_rates"].values() for phase in each.values()]
    right, taken = sum(each["accepted"] + each["rejected"] for each in rates), sum(each["accepted"] for each in rates)
    failed = cases["with_failures"] + cases["errored"]
    operations = told["operations"]
    asked = f"{cases['generated']:,} requests to {operations['tested']} of {operations['total']} operations"
    yield Figure("requests to the API, answered otherwise than described", str(failed), asked, "", "0", failed == 0)
    yield Figure("those that are as described, and answered with 200", f"{taken:,}", f"{right:,} of them")


def _asked(url: str, token: str, folder: Path) -> dict[str, Any]:
    """What schemathesis reports; what it says of failures is printed. Raises where it cannot run."""
    report, said = folder / "api-report.json", folder / "api-said"
    command = [
        str(_PROGRAM), "--no-color", "run", f"{url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}",
        "--phases", "examples,coverage,fuzzing", "--seed", str(_SEED), "--max-time", str(_SECONDS), "--continue-on-failure",
        "--exclude-checks", _WHAT_A_SCHEMA_CANNOT_SAY, "--generation-database", "none", "--report-json-path", str(report),
    ]  # fmt: skip
    with said.open("wb") as output:
        ended = subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if ended:
        print(said.read_text())
    told: dict[str, Any] = json.loads(report.read_text())
    return told
