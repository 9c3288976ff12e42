import pytest

from tests.contract.traffic import batch
from tests.unit.keep.day.days import DAYS
from unmasq.keep.duck import DuckStore


@pytest.fixture
def filled(tmp_path):
    """The directory of a store of six days."""
    with DuckStore(tmp_path) as store:
        store.append(batch(DAYS))
    return tmp_path
