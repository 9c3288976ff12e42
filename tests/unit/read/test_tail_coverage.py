"""Identities and what is left to read, without any file."""

import pytest

from unmasq.model.ingress import FileIdentity
from unmasq.read.coverage import Coverage, gaps, missing


@pytest.mark.parametrize(
    ("covered", "left"),
    [
        ([], [(0, None)]),
        ([(0, 0)], [(0, None)]),
        ([(0, 5)], [(5, None)]),
        ([(3, 5)], [(0, 3), (5, None)]),
        ([(3, 5), (0, 3)], [(5, None)]),
        ([(0, 9), (2, 4), (20, 30)], [(9, 20), (30, None)]),
    ],
)
def test_gaps_are_what_is_not_covered(covered, left):
    assert gaps(covered) == left


def test_missing_counts_bytes_within_bounds():
    runs = [(0, 10), (20, None)]
    assert missing(runs, 0, 30) == 20
    assert missing(runs, 5, 25) == 10
    assert missing(runs, 10, 20) == 0
    assert missing(runs, 25, 20) == 0


def test_a_fingerprint_is_of_the_whole_lines_that_were_there():
    identity = Coverage({}).mint((1, 2), b"one\n", 0)
    assert identity.fingerprint.startswith("4-")
    known = Coverage({identity: []})
    assert known.find((1, 2), b"one\ntwo\n" * 50) == identity
    assert known.find((1, 2), b"on") is None
    assert known.find((1, 2), b"One\n") is None
    assert known.find((1, 3), b"one\n") is None


def test_of_two_devices_the_same_is_preferred():
    fingerprint = Coverage({}).mint((1, 2), b"one\n", 0).fingerprint
    devices = [FileIdentity(device, 2, fingerprint) for device in (5, 1, 9)]
    for device in (5, 1, 9):
        assert Coverage({identity: [] for identity in devices}).find((device, 2), b"one\n") == FileIdentity(device, 2, fingerprint)


def test_a_beginning_without_a_newline_makes_no_other_file_a_copy():
    coverage = Coverage({})
    short, whole = coverage.mint((1, 2), b"0", 0), coverage.mint((1, 3), b"1\n", 0)
    assert not coverage.seen(b"0 and more\n")
    assert coverage.seen(b"1\n2\n")
    assert coverage.find_copy(b"0 and more\n", []) is None
    assert coverage.find_copy(b"1\n2\n", []) == whole
    assert coverage.find_copy(b"1\n2\n", [whole]) is None
    assert coverage.find((1, 2), b"0 and more\n") == short


@pytest.mark.parametrize("fingerprint", ["", "stdin:1", "4", "4-", "x-y", "4-zz", "4-00-1-1", "-1-00", "0-00", "4-" + "0" * 32 + "-x"])
def test_what_is_no_fingerprint_matches_nothing(fingerprint):
    identity = FileIdentity(1, 2, fingerprint)
    assert Coverage({identity: [(0, 4)]}).find((1, 2), b"one\n") is None
