"""Answers go before work that can wait, and do not stop it."""

import threading

import pytest

from unmasq.base import threads
from unmasq.base.threads import Precedence

_SOON = 30
"""Seconds; where the work were to wait wrongly it would be hours."""


class Work:
    """A thread that did a piece of work of so many seconds and gives way then."""

    def __init__(self, precedence: Precedence, seconds: list[float]) -> None:
        self.is_done = threading.Event()
        self._precedence, self._seconds = precedence, seconds
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self, piece: float) -> None:
        self._seconds[0] += piece
        self._thread.start()

    def _run(self) -> None:
        self._precedence.give_way()
        self.is_done.set()


def made() -> tuple[Precedence, Work]:
    seconds = [0.0]
    precedence = Precedence(lambda: seconds[0])
    return precedence, Work(precedence, seconds)


def test_work_waits_until_the_last_answer_is_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "_LONGEST_SECONDS", 3600)
    precedence, work = made()
    with precedence.taken():
        with precedence.taken():
            work.begin(3600)
            assert not work.is_done.wait(0.05)
        assert not work.is_done.wait(0.05)
    assert work.is_done.wait(_SOON)


def test_answers_that_never_end_only_slow_it_down(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "_LONGEST_SECONDS", 3600)
    precedence, work = made()
    with precedence.taken():
        work.begin(0.001)
        assert work.is_done.wait(_SOON)


def test_however_long_a_piece_took_the_kernel_is_looked_at_again_soon():
    precedence, work = made()
    with precedence.taken():
        work.begin(3600)
        assert work.is_done.wait(_SOON)


def test_where_nobody_asks_nothing_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(threads, "_LONGEST_SECONDS", 3600)
    _, work = made()
    work.begin(3600)
    assert work.is_done.wait(_SOON)
