"""A pod may go on for ever: what is committed for long is forgotten, and what is not is never."""

import pytest

from unmasq.model.ingress import Chunk, FileIdentity
from unmasq.observe.policy_sync import ledger as module
from unmasq.observe.policy_sync.ledger import Ledger, Refused

MOST = 5


@pytest.fixture(autouse=True)
def few_files(monkeypatch):
    monkeypatch.setattr(module, "MOST_FILES", MOST)


def file(number, scope=""):
    return FileIdentity(1, number, f"{scope}4-{number}")


def handed_over(ledger, stream, number, *, keep=True):
    ledger.begins(stream, file(number), 0)
    ledger.take(stream, Chunk(file(number), "log", 0, b"x\n"))
    list(ledger.drain())
    if keep:
        ledger.acknowledge(file(number, "pod/"), [(0, 2)])


def numbers(known):
    return [each.inode for each in known]


def test_the_oldest_file_is_forgotten_when_there_are_too_many():
    ledger = Ledger("pod", {})
    for number in range(MOST + 3):
        handed_over(ledger, ledger.begin()[0], number)
    have = ledger.begin()[1]
    assert numbers(have.held) == numbers(have.committed) == numbers(ledger.begun) == list(range(3, MOST + 3))


def test_a_stream_that_names_too_many_ends_and_the_next_one_goes_on():
    ledger = Ledger("pod", {})
    stream = ledger.begin()[0]
    for number in range(MOST):
        handed_over(ledger, stream, number)
    with pytest.raises(Refused, match="too_many_files"):  # it may still send some of each
        ledger.begins(stream, file(MOST), 0)
    handed_over(ledger, ledger.begin()[0], MOST)


def test_a_file_that_the_stream_goes_on_with_is_not_forgotten():
    ledger = Ledger("pod", {file(number, "pod/"): [(0, 2)] for number in range(MOST)})
    stream = ledger.begin()[0]
    ledger.take(stream, Chunk(file(0), "log", 2, b"y\n"))
    handed_over(ledger, stream, MOST)
    assert numbers(ledger.begin()[1].held) == [2, 3, 4, 0, MOST]


def test_what_is_not_committed_is_not_forgotten():
    ledger = Ledger("pod", {})
    for number in range(MOST):
        handed_over(ledger, ledger.begin()[0], number, keep=number != 0)
    handed_over(ledger, ledger.begin()[0], MOST)
    assert numbers(ledger.begin()[1].held) == [0, 2, 3, 4, MOST]
    ledger.acknowledge(file(1, "pod/"), [(0, 0)])
    assert numbers(ledger.begin()[1].held) == [0, 2, 3, 4, MOST], "nor known again by half"


def test_of_a_store_with_more_files_the_newest_are_known():
    ledger = Ledger("pod", {file(number, "pod/"): [(0, 2)] for number in range(3 * MOST)})
    stream, have = ledger.begin()
    assert numbers(have.held) == list(range(2 * MOST, 3 * MOST))
    ledger.begins(stream, file(99), 0)


def test_who_stops_draining_leaves_the_rest():
    ledger = Ledger("pod", {})
    stream = ledger.begin()[0]
    ledger.begins(stream, file(0), 0)
    for start in (0, 2, 4):
        ledger.take(stream, Chunk(file(0), "log", start, b"x\n"))
    assert next(ledger.drain()).start == 0
    assert [chunk.start for chunk in ledger.drain()] == [2, 4]


def test_it_is_settled_when_all_that_was_taken_is_committed():
    ledger = Ledger("pod", {})
    assert ledger.is_settled()
    handed_over(ledger, ledger.begin()[0], 0, keep=False)
    assert not ledger.is_settled()
    ledger.acknowledge(file(0, "pod/"), [(0, 2)])
    assert ledger.is_settled()
    ledger.put(Chunk(file(1), "reports", 0, b"x\n"))
    assert not ledger.is_settled()
