"""For a test that is to hold with the C extension and without it."""

import pytest

from unmasq.model.native import NATIVE

each_twin = pytest.mark.parametrize(
    "native", [pytest.param(None, id="plain"), pytest.param(NATIVE, id="native", marks=pytest.mark.needs("native"))]
)
"""Gives the test the argument `native`: None, and the extension where it was built."""
