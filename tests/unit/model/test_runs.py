"""Runs of bytes against the plain set of those bytes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from unmasq.model.runs import Runs

RUNS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)))


@given(RUNS)
def test_runs_hold_what_was_added_disjoint_and_in_order(pairs):
    runs = list(Runs(pairs))
    assert {byte for start, end in runs for byte in range(start, end)} == {byte for start, end in pairs for byte in range(start, end)}
    assert all(start < end for start, end in runs)
    assert all(end < start for (_, end), (start, _) in pairwise(runs))


@given(RUNS, st.integers(0, 30), st.integers(0, 30))
def test_overlap_counts_bytes_and_reach_follows_them(pairs, start, end):
    runs, held = Runs(pairs), {byte for first, behind in pairs for byte in range(first, behind)}
    assert runs.overlap(start, end) == len(held.intersection(range(start, end)))
    behind = start
    while behind in held:
        behind += 1
    assert runs.reach(start) == behind
