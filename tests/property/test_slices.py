"""A large closing in pieces: each line and part once, those of a flow together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unmasq.join.connections import Connections, tuples
from unmasq.join.lines import JoinedLines
from unmasq.join.shares import Shares
from unmasq.join.slices import sliced
from unmasq.join.window import Closed

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 1000), st.integers(1, 300), st.integers(1, 100))
def test_every_line_and_part_is_in_one_piece_and_those_of_a_flow_are_together(seed, count, flows, most):
    """Of hundreds of flows: a few would be in one piece."""
    some = np.random.default_rng(seed)
    lines = _lines(some.integers(0, flows, count), some.integers(1, flows + 1, count))
    parts = some.permutation(np.arange(1, flows + 5))[: some.integers(0, flows)].tolist()
    told = Shares.filled(len(parts), serial=np.array(parts, "i8"))
    pieces = list(sliced(Closed(lines, told, lines.take(np.arange(len(lines)) < 2), Connections.empty()), most))
    assert sorted(start for piece in pieces for start in piece.lines.start.tolist()) == lines.start.tolist()
    assert sorted(serial for piece in pieces for serial in piece.parts.serial.tolist()) == sorted(parts)
    assert sum(len(piece.dropped) for piece in pieces) == min(2, len(lines))
    flows = [{*_flows(piece.lines)} for piece in pieces]
    assert sum(map(len, flows)) == len(set().union(*flows))
    owners = [{*piece.lines.connection[piece.lines.connection > 0].tolist()} for piece in pieces]
    for place, piece in enumerate(pieces):
        elsewhere = set().union(*(owner for at, owner in enumerate(owners) if at != place))
        assert not elsewhere & {*piece.parts.serial.tolist()}, "a part is not where the lines of its connection are"


def test_the_more_flows_there_are_the_more_pieces():
    closed = Closed(_lines(np.arange(20_000) // 2 + 1, np.ones(20_000, "i8")), Shares.empty(), JoinedLines.empty(), Connections.empty())
    sizes = [len({*_flows(piece.lines)}) for piece in sliced(closed, 2000)]
    assert len(sizes) in (5, 6)  # 10,000 flows, counted from a part of them
    assert max(sizes) < 3000
    assert len(list(sliced(closed, 20_000))) == 1


def test_many_lines_of_few_flows_are_one_piece():
    closed = Closed(_lines(np.arange(20_000) % 50 + 1, np.ones(20_000, "i8")), Shares.empty(), JoinedLines.empty(), Connections.empty())
    assert len(list(sliced(closed, 2000))) == 1


def _lines(connection, source) -> JoinedLines:
    return JoinedLines.filled(len(connection), connection=connection, source_lo=source, start=np.arange(len(connection)))


def _flows(lines: JoinedLines) -> list[tuple[int, ...]]:
    names = zip(*(column.tolist() for column in tuples(lines)), strict=True)
    return [(serial,) if serial else (0, *name) for serial, name in zip(lines.connection.tolist(), names, strict=True)]
