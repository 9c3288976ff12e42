"""The end of a log is looked at whatever it holds: every whole line is counted, and nothing raises."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.story.peers import line
from unmasq.base.errors import InputError
from unmasq.node.collector.sample import sample

LINES = st.lists(st.one_of(st.binary(max_size=60), st.just(line(1).rstrip(b"\n")), st.just(b'unmasq: {"source_port": ')), max_size=20)


@given(lines=LINES, rest=st.binary(max_size=20).filter(lambda rest: b"\n" not in rest))
def test_whole_lines_are_counted(lines, rest):
    lines = [each.replace(b"\n", b"") for each in lines]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(b"".join(each + b"\n" for each in lines) + rest)
        found = sample(path, 0)
    assert found.read == len(lines)
    assert found.unmarked + sum(found.rejected.values()) - found.rejected.get("no_address", 0) <= len(lines)
    assert found.read - found.unmarked >= sum(each == line(1).rstrip(b"\n") for each in lines)


def test_only_the_end_of_a_long_log_is_read(tmp_path):
    (tmp_path / "log").write_bytes(line(1) * 10_000)
    assert 0 < sample(tmp_path / "log", 0).read < 1000


def test_what_is_no_log_is_told_and_waits_for_nobody(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, why in ((tmp_path / "pipe", "it is no plain file"), (tmp_path / "none", "No such file")):
        with pytest.raises(InputError) as raised:
            sample(path, 0)
        assert why in raised.value.why
