"""Connections as the waiting room knows them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unmasq.join.connections import Connections


@given(st.sets(st.integers(1, 30)), st.data())
def test_a_connection_is_found_by_its_serial_whoever_left_before_it(serials, data):
    known = Connections.filled(len(serials), serial=np.array(sorted(serials), "i8"))
    asked = data.draw(st.lists(st.sampled_from(sorted(serials)), max_size=10)) if serials else []
    rows = known.rows_of(np.array(asked, "i8"))
    assert known.serial[rows].tolist() == asked
