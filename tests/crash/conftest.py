"""Makes the lab's fixtures known to the tests in this folder."""

from tests.lab.fixtures import _as_it_started, lab

__all__ = ["_as_it_started", "lab"]
