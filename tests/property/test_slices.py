"""A large closing in pieces: each line and part once, those of a flow together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unmasq.join.connections import Connections, tuples
from unmasq.join.lines import JoinedLines
from unmasq.join.shares import Shares
from unmasq.join.slices import sliced
from unmasq.join.window import Closed

serials = st.lists(st.integers(0, 4), min_size=1, max_size=40)
sources = st.lists(st.integers(1, 3), min_size=40, max_size=40)


@given(serials, sources, st.lists(st.integers(1, 6), max_size=6, unique=True), st.integers(1, 50))
def test_every_line_and_part_is_in_one_piece_and_those_of_a_flow_are_together(serial, source, parts, most):
    lines = JoinedLines.filled(
        len(serial), connection=np.array(serial), source_lo=np.array(source[: len(serial)]), start=np.arange(len(serial))
    )
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


def _flows(lines: JoinedLines) -> list[tuple[int, ...]]:
    names = zip(*(column.tolist() for column in tuples(lines)), strict=True)
    return [(serial,) if serial else (0, *name) for serial, name in zip(lines.connection.tolist(), names, strict=True)]
