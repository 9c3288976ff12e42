from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from unmasq.keep.day.runs import merged, of_one

spans = st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(1, 6))


@given(st.lists(spans))
def test_merged_runs_cover_the_same_bytes_and_neither_touch_nor_overlap(rows):
    file, start, length = np.array(rows, "i8").reshape(-1, 3).T
    got = list(zip(*(column.tolist() for column in merged(file, start, start + length)), strict=True))
    assert {(f, b) for f, s, n in rows for b in range(s, s + n)} == {(f, b) for f, s, e in got for b in range(s, e)}
    assert sum(end - begin for _, begin, end in got) == len({(f, b) for f, s, n in rows for b in range(s, s + n)})
    assert all(f != g or end < begin for (f, _, end), (g, begin, _) in pairwise(got))
    assert got == sorted(got)


def test_a_run_inside_another_does_not_shorten_it():
    assert of_one([(0, 100), (10, 20), (100, 120), (130, 140)]) == [(0, 120), (130, 140)]


def test_the_longest_log_there_can_be():
    assert of_one([(0, 1 << 43), (1 << 43, (1 << 43) + 5)]) == [(0, (1 << 43) + 5)]
