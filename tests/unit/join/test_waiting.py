"""Lines that wait: all of them are counted, whoever leaves."""

import numpy as np

from unmasq.join.lines import JoinedLines
from unmasq.join.waiting import Waiting, WaitingLines


def room(lines: int, since_us: int) -> Waiting:
    return Waiting(JoinedLines.filled(lines, arrived_us=np.full(lines, since_us)), frozenset())


def test_as_many_wait_as_came_and_did_not_leave():
    waiting = WaitingLines()
    for lines, since_us in ((3, 30), (5, 10), (7, 20)):
        waiting.add(room(lines, since_us))
    assert len(waiting) == 15
    assert [one.since_us for one in waiting.take(lambda one: one.since_us == 20)] == [20]
    assert (len(waiting), [len(lines) for lines in waiting.batches]) == (8, [3, 5])
    assert waiting.take_oldest().since_us == 10
    assert (len(waiting), waiting.take(lambda one: one.since_us == 10)) == (3, [])
