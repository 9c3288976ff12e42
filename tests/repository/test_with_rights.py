"""Whoever is not root runs the demo and the tests in namespaces of their own, where a server on the loopback must be reached."""

import subprocess
from pathlib import Path

import pytest

WITH_RIGHTS = Path(__file__).parents[2] / "scripts/with-rights"
NOBODY = 65534
KNOCK = ": </dev/tcp/127.0.0.1/9"


@pytest.mark.needs("users")
def test_there_is_a_loopback() -> None:
    """Nobody listens there, which it says; without one the network could not be reached."""
    script = WITH_RIGHTS.read_text()  # on standard input: nobody may look into the folder that it is in
    ran = subprocess.run(
        ["bash", "-s", "--", "bash", "-c", KNOCK],
        input=script, text=True, capture_output=True, check=False, cwd="/", user=NOBODY, group=NOBODY, extra_groups=(),
    )  # fmt: skip
    if "in namespaces of its own" not in ran.stderr:
        pytest.skip("users may have no namespaces here")
    assert "Connection refused" in ran.stderr
