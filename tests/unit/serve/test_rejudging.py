"""Judging again beside the work: it always ends in a state from which somebody can begin again."""

import threading

from tests.lab.deadline import until
from unmasq.base.errors import StoreError
from unmasq.serve.protocol import Rejudged
from unmasq.serve.rejudging import Progress, Rejudging


def ended(rejudging):
    until(lambda: not rejudging.progress.is_running, "the judging to end", 10)
    return rejudging.progress


def test_how_far_it_is_and_what_it_found():
    go_on = threading.Event()

    def rejudge(_since_us, told):
        told(1, 3)
        go_on.wait(10)
        return Rejudged(flows=7, days=3, trust_version=2)

    rejudging = Rejudging(rejudge)
    rejudging.start(None)
    until(lambda: rejudging.progress == Progress(is_running=True, done=1, days=3), "a first day", 10)
    assert rejudging.start(None).is_running, "one at a time"
    go_on.set()
    assert ended(rejudging) == Progress(done=3, days=3, flows=7)


def failing(error):
    def rejudge(_since_us, _told):
        raise error

    return Rejudging(rejudge)


def test_after_a_failure_it_can_be_begun_again():
    rejudging = failing(StoreError("no room", "the disk is full", "delete"))
    for _ in range(2):
        rejudging.start(None)
        assert ended(rejudging) == Progress(trouble="no room: the disk is full")


def test_a_mistake_of_ours_is_printed_and_ends_it_too(monkeypatch):
    printed = []
    monkeypatch.setattr(threading, "excepthook", lambda args: printed.append(args.exc_type))
    rejudging = failing(KeyError("a mistake"))
    rejudging.start(None)
    until(lambda: printed == [KeyError], "what the thread died of", 10)
    assert "a mistake in unmasq" in ended(rejudging).trouble
