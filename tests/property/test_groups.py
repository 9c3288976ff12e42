"""Grouping is exact, also where two keys share a hash."""

from collections import Counter
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.property.twins import each_twin
from unmasq.model import groups

keys = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2**64 - 1])), max_size=30)


def columns(some):
    return [np.array([key[0] for key in some], "i8"), np.array([key[1] for key in some], "u8")]


def grouping(some, native=None):
    """The rows of each group, as `grouped` has them."""
    order, begin = groups.grouped(columns(some), native)
    return [rows.tolist() for rows in np.split(order, begin[1:]) if len(rows)]


def expected(some):
    return [[row for row, other in enumerate(some) if other == key] for key in dict.fromkeys(some)]


@each_twin
@given(some=keys)
def test_each_key_is_one_group_and_stands_where_it_was_first_met(native, some):
    assert grouping(some, native) == expected(some)


@each_twin
def test_many_keys_are_grouped_as_few_are(native):
    some = [(row * 7919 % 1013, row % 3) for row in range(20_000)]
    assert grouping(some, native) == expected(some)


@given(keys, st.integers(1, 4))
def test_keys_that_share_a_hash_stay_apart(some, hashes):
    with patch.object(groups, "mixed", lambda columns: columns[0].astype("u8") % np.uint64(hashes)):
        assert grouping(some) == expected(some)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_distinct_values_are_sorted_and_come_once(some):
    assert groups.distinct(np.array(some, "u8")).tolist() == sorted(set(some))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=20))
def test_each_distinct_row_of_a_group_stands_for_all_that_are_like_it(some):
    group, column = np.array(some, "i8").reshape(-1, 2).T
    rows, counts = groups.once(group, [column])
    found = [(int(group[row]), int(column[row])) for row in rows]
    assert dict(zip(found, counts.tolist(), strict=True)) == Counter(some)
    assert len(found) == len(set(some))
