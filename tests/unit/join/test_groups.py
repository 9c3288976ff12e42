"""Which open lines are pictured together: many once, and never so many pictures that asking them takes long."""

import numpy as np

from unmasq.join.groups import Groups
from unmasq.join.lines import JoinedLines
from unmasq.join.room import Room


def room(*lines: int) -> Room:
    made = Room()
    for count in lines:
        made.add(JoinedLines.filled(count, start=np.arange(count)))
    return made


def sizes(groups: Groups, of: Room) -> tuple[list[int], int]:
    """Lines of each group, and of what is in none."""
    found, rest = groups.of(of.stays, 1)
    return [sum(len(stay.lines) for stay in stays) for _, stays in found], sum(len(stay.lines) for stay in rest)


def test_two_neighbours_become_one():
    groups = Groups(10)
    assert sizes(groups, room(10, 4)) == ([10], 4)
    assert sizes(groups, room(10, 10, 4)) == ([20], 4)
    assert sizes(groups, room(*[10] * 5)) == ([20, 20, 10], 0)


def test_a_group_keeps_its_serial_while_none_of_its_lines_leaves():
    groups, made = Groups(10), room(*[10] * 4)
    before, _ = groups.of(made.stays, 1)
    made.add(JoinedLines.filled(3))
    after, _ = groups.of(made.stays, 1)
    assert [group.serial for group, _ in after] == [group.serial for group, _ in before]


def test_where_the_first_lines_leave_only_their_group_is_made_again():
    groups, made = Groups(10), room(*[10] * 6)
    before, _ = groups.of(made.stays, 1)
    made.take_oldest(10)
    after, rest = groups.of(made.stays, 1)
    assert after[0][0].serial == before[1][0].serial
    assert (sum(len(stays) for _, stays in after), rest) == (5, [])
