"""Collector, node and server killed with -9 in turn under load, the server away, the spool full: lines = stored + counted drops."""

import random
from pathlib import Path
from typing import Self

import pytest

from tests.crash.shipping import Writer, seeded
from tests.lab.deadline import until
from tests.story.chain import Chain
from tests.story.peers import Collecting, short_folder

pytestmark = pytest.mark.slow
RATE = 1500  # lines a second
KILLS = 9


class Killed:
    """The three processes, any of which can be killed and started again at once."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.collector = self._collector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_collector()

    def kill(self, number: int) -> None:
        """The collector, the node and the server in turn."""
        if number % 3 == 0:
            self._end_collector()
            self.collector = self._collector()
        else:
            program = self.chain.node if number % 3 == 1 else self.chain.server
            program.kill()
            program.start()

    def _end_collector(self) -> None:
        self.collector.kill()
        self.collector.end()

    def _collector(self) -> Collecting:
        return self.chain.collecting("--give-back").__enter__()


def lines_later(writer: Writer, rng: random.Random) -> None:
    """A moment of load later."""
    count = writer.count + rng.randrange(RATE // 3, 2 * RATE)
    until(lambda: writer.count >= count, "lines to be written", 30)


def test_every_line_is_stored_once_or_counted(tmp_path: Path) -> None:
    rng = seeded()
    with short_folder() as folder, Chain(folder, "--spool-mb", "1") as chain:
        chain.begin()
        writer = Writer(chain.log, RATE)
        writer.start()
        with Killed(chain) as killed:
            for number in range(KILLS):
                lines_later(writer, rng)
                killed.kill(number)
            chain.server.kill()
            until(lambda: chain.dropped() > RATE, "the spool to be full", 60)
            for number in (0, 1):
                killed.kill(number)
                lines_later(writer, rng)
            chain.server.start()
            lines_later(writer, rng)
            written = writer.finish()
            until(lambda: chain.committed() == chain.log.stat().st_size, "the node to have the whole log", 60)
            killed.collector.end()
        chain.emptied()
        counts = chain.stored()
        assert chain.log.stat().st_blocks * 512 < chain.log.stat().st_size / 2, "what is committed was given back"
        assert max(counts.values()) == 1
        assert len(counts) + chain.dropped() == written
