"""Node and server killed with -9 in turn under load, the server away, the spool full: lines written = stored + counted drops."""

import time
from pathlib import Path

import pytest

from tests.crash.shipping import Pair, Writer, seeded
from tests.lab.deadline import until

pytestmark = pytest.mark.slow
KILLS = 12


def test_no_line_is_lost_or_stored_twice_while_node_and_server_are_killed_in_turn(tmp_path: Path) -> None:
    rng = seeded()
    with Pair(tmp_path) as pair:
        pair.begin()
        writer = Writer(pair.log, 1000)
        writer.start()
        for number in range(KILLS):
            time.sleep(0.3 + 1.7 * rng.random())  # load, at any moment of which the kill may come
            killed = pair.server if number % 2 else pair.node
            killed.kill()
            if number % 4 == 1:
                time.sleep(2)  # away for longer than a node waits with its next tries
            killed.start()
        written = writer.finish()
        pair.emptied()
        counts = pair.stored()
        assert [path for path in pair.spool.iterdir() if path.stat().st_mode & 0o077] == []
    assert pair.dropped() == 0
    assert (len(counts), sum(counts.values())) == (written, written)


def test_a_spool_that_is_full_drops_the_oldest_and_counts_every_line(tmp_path: Path) -> None:
    with Pair(tmp_path, "--spool-mb", "1") as pair:
        pair.begin()
        writer = Writer(pair.log, 3000)
        writer.start()
        until(pair.arrived, "flows to arrive", 60)
        pair.server.kill()
        until(lambda: pair.dropped() > 3000, "the spool to be full", 120)
        pair.node.kill()
        pair.node.start()
        dropped = pair.dropped()
        until(lambda: pair.dropped() > dropped, "the spool to be full once more", 120)
        pair.server.start()
        written = writer.finish()
        pair.emptied()
        counts = pair.stored()
    assert max(counts.values()) == 1
    assert len(counts) + pair.dropped() == written
    newest = max(int(path.split("/")[2]) for path in counts)
    assert newest == written - 1
