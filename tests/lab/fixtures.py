"""The lab as pytest fixtures. Any conftest may import them; tests that use them are marked `needs("lab")`."""

from collections.abc import Iterator

import pytest

from .cluster import Lab
from .formats import printed


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """One started lab for all tests of a run: NodePorts keep the client's source, nobody is at the VIP, switches off."""
    with Lab(extra_formats=printed()) as started:
        yield started


@pytest.fixture(autouse=True)
def _as_it_started(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undo what a test changed in the lab's translations and switches."""
    yield
    if "lab" in request.fixturenames:
        request.getfixturevalue("lab").network.reset()
