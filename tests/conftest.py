"""What every test stands on: the mark `needs` and a patient hypothesis.

`@pytest.mark.needs("lab")` also marks the test as `lab`, so that `-m 'not lab'` leaves those out.
"""

import os

import hypothesis
import pytest

from tests import needs
from tests.lab.fixtures import _as_it_started, lab

__all__ = ["_as_it_started", "lab"]  # one lab for all folders: a second one of the same process would be refused

# A deadline would measure how busy the machine is, not the code.
hypothesis.settings.register_profile("unmasq", deadline=None)
hypothesis.settings.register_profile("many", deadline=None, max_examples=1000)  # --hypothesis-profile=many
hypothesis.settings.load_profile("unmasq")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks, and refuse an UNMASQ_REQUIRE that demands what does not exist."""
    config.addinivalue_line(
        "markers", "needs(capability): what the machine must have; missing, it is a skip or, by UNMASQ_REQUIRE, a failure"
    )
    for capability, meaning in needs.MEANINGS.items():
        config.addinivalue_line("markers", f"{capability}: set by needs({capability!r}): {meaning}")
    try:
        needs.required(os.environ)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the test with each capability that it needs."""
    for mark in item.iter_markers("needs"):
        if mark.args[0] not in needs.CAPABILITIES:
            message = f"{item.nodeid} needs {mark.args[0]!r}; there are {', '.join(needs.CAPABILITIES)}"
            raise pytest.UsageError(message)
        item.add_marker(mark.args[0])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture: skip a test whose needs are not met, or fail it where UNMASQ_REQUIRE demands them."""
    for mark in item.iter_markers("needs"):
        capability = mark.args[0]
        if lacks := needs.missing(capability):
            verdict = f"needs {capability}, missing here: {', '.join(lacks)}"
            if capability in needs.required(os.environ):
                pytest.fail(f"{verdict} (UNMASQ_REQUIRE={os.environ['UNMASQ_REQUIRE']})", pytrace=False)
            pytest.skip(verdict)
